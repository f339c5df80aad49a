import Drivers
import Swiftlet
import Syscalls

/// The echo service over datagrams as a loop written by hand: the socket of an address has those of
/// all clients.
///
/// However many clients there are, a wait looks at the signals and at a socket for each address. So
/// two ways to wait are enough to compare with: what poll(2) and epoll(7) differ by is not to be
/// seen here.
struct DatagramLoop<Wait: DatagramWait & ~Copyable>: EchoLoop, ~Copyable {
    let addresses: [ServiceAddress]
    private var stop: EchoStop
    private var wait: Wait
    private let sockets: [RawDescriptor]
    private let upper: Bool
    private let buffer: UnsafeMutableRawBufferPointer
    private var counted = EchoCounters()
    private var receives = 0
    private var sends = 0

    init(_ options: EchoOptions, stoppedBy signals: SignalSet) throws(IOError) {
        let stop = try EchoStop(signals, drain: .zero)
        var (addresses, sockets): ([ServiceAddress], [RawDescriptor]) = ([], [])
        let wait: Wait
        do throws(IOError) {
            for service in options.services {
                let (address, socket) = try DatagramLoop.bind(to: service.address)
                addresses.append(ServiceAddress(.datagram, address))
                sockets.append(socket)
            }
            wait = try Wait(for: sockets, and: stop.raw)
        } catch {
            for socket in sockets { socket.close() }
            throw error
        }
        (self.addresses, self.sockets) = (addresses, sockets)
        self.stop = stop
        self.wait = wait
        upper = options.upper
        buffer = .allocate(byteCount: 65_536, alignment: 16)
    }

    private static func bind(
        to wanted: SocketAddress
    ) throws(IOError) -> (SocketAddress, RawDescriptor) {
        let socket = Descriptor(
            adopting: try attempt(.open) { () throws(Errno) in
                try .datagramSocket(family: wanted.family, .datagram)
            })
        let raw = socket.raw
        try attempt(.option) { () throws(Errno) in
            try raw.setOption(.receiveBuffer, to: datagramRoom)
        }
        do throws(Errno) {
            try raw.bind(to: wanted)
        } catch {
            throw IOError(.bind, .system(error), at: wanted)
        }
        let local = try attempt(.address) { () throws(Errno) in try raw.localAddress() }
        return (local, socket.release())
    }

    deinit {
        buffer.deallocate()
        for socket in sockets { socket.close() }
    }

    /// There is nothing under way that could be waited for.
    var isOver: Bool { stop.isDraining }

    var counters: EchoCounters {
        counted.counting("recvfrom", receives).counting("sendto", sends)
            .counting(Wait.call, wait.count)
    }

    mutating func turn() throws(IOError) {
        if try wait.wait(nanoseconds: stop.patience) {
            let count = receives
            try stop.takeSignals { StandardError.say("datagrams: \(count) calls of recvfrom") }
        }
        // Some in a row, and then the other sockets and signals have a turn.
        for socket in sockets {
            for _ in 0..<64 where !echo(socket) { break }
        }
    }

    /// Sends one datagram back; false when there is none.
    private mutating func echo(_ socket: RawDescriptor) -> Bool {
        receives += 1
        do throws(Errno) {
            let received = try socket.receiveDatagram(into: buffer, readingControl: false)
            counted.bytesRead += received.count
            let message = UnsafeMutableRawBufferPointer(rebasing: buffer[..<received.count])
            if upper { message.makeUpperCase() }
            sends += 1
            try socket.sendDatagram(
                UnsafeRawBufferPointer(message), DatagramRoute(to: received.sender))
            counted.bytesWritten += received.count
        } catch .wouldBlock {
            return false
        } catch {
            // It is about one client; the others are served.
            counted.handlerErrors += 1
        }
        return true
    }
}

/// Bytes that the kernel is asked to keep of datagrams that were not received yet; it gives as many
/// as the machine allows (`net.core.rmem_max`), and what does not fit is lost.
let datagramRoom = 1 << 20

/// How a `DatagramLoop` waits for the sockets of its addresses, and for signals.
protocol DatagramWait: ~Copyable {
    /// The call, by its name in the counters, and how often it was made.
    static var call: String { get }
    var count: Int { get }
    init(for sockets: [RawDescriptor], and signals: RawDescriptor) throws(IOError)
    /// Waits until a datagram or a signal has come, and says whether a signal has.
    mutating func wait(nanoseconds: Int64?) throws(IOError) -> Bool
}
