import Drivers
import Swiftlet
import Syscalls

/// The listening sockets of a hand-written model, one for each address: what is accepted and what
/// is refused, counted.
struct EchoListener: ~Copyable {
    /// Connections that are taken in a row before the other clients have a turn.
    private static let rowMax = 64
    /// How long a server that cannot accept waits before it tries again, in nanoseconds.
    private static let pauseAfterFailure: Int64 = 10_000_000
    /// The least time between two lines about refused connections, in nanoseconds.
    private static let noticePause: Int64 = 10_000_000_000

    /// The addresses that it listens on, with the port that the kernel chose when 0 was asked for.
    let addresses: [ServiceAddress]
    /// The sockets; closed ones keep their place.
    let sockets: [RawDescriptor]
    private var isOpen = true
    /// The files that they have at Unix paths.
    private let files: [SocketFile]
    /// Whether the last call of `accept` ended before the queue was empty.
    private(set) var mayHaveMore = false

    private let connectionsMax: Int
    private var counted = EchoCounters()
    private var accepts = 0
    private var row = 0
    /// Attempts that failed since the last connection.
    private var failures = 0
    private var nextNotice = Instant(nanoseconds: .min)

    /// Listens as the options say.
    init(_ options: EchoOptions) throws(IOError) {
        var (addresses, sockets, files): ([ServiceAddress], [RawDescriptor], [SocketFile])
        (addresses, sockets, files) = ([], [], [])
        for wanted in options.services.map(\.address) {
            do throws(IOError) {
                let (address, socket, file) = try EchoListener.listen(
                    on: wanted, backlog: options.backlog)
                addresses.append(address)
                sockets.append(socket)
                if let file { files.append(file) }
            } catch {
                EchoListener.release(sockets, files)
                throw IOError(error.operation, error.reason, at: wanted)
            }
        }
        (self.addresses, self.sockets, self.files) = (addresses, sockets, files)
        connectionsMax = options.connectionsMax ?? .max
    }

    /// Opens a socket that listens (socket(2), bind(2), listen(2)).
    private static func listen(
        on wanted: SocketAddress, backlog: Int
    ) throws(IOError) -> (ServiceAddress, RawDescriptor, SocketFile?) {
        let socket = Descriptor(
            adopting: try attempt(.open) { () throws(Errno) in
                try .streamSocket(family: wanted.family)
            })
        let raw = socket.raw
        try attempt(.option) { () throws(Errno) in try raw.setOption(.reuseAddress, to: 1) }
        let file = try attempt(.bind) { () throws(Errno) in
            try SocketFile.bind(raw, to: wanted, access: nil, over: SystemSockets())
        }
        do throws(IOError) {
            try attempt(.listen) { () throws(Errno) in try raw.listen(backlog: backlog) }
            let address = try attempt(.address) { () throws(Errno) in
                ServiceAddress(.stream, try raw.localAddress())
            }
            return (address, socket.release(), file)
        } catch {
            file?.remove(over: SystemSockets())
            throw error
        }
    }

    deinit { if isOpen { EchoListener.release(sockets, files) } }

    /// The sockets that can have connections.
    var watched: [RawDescriptor] { isOpen ? sockets : [] }

    /// Stops listening. Connections that wait in a queue are reset.
    mutating func close() {
        if isOpen { EchoListener.release(sockets, files) }
        isOpen = false
    }

    /// Closes the sockets, after their files have gone.
    private static func release(_ sockets: [RawDescriptor], _ files: [SocketFile]) {
        for file in files { file.remove(over: SystemSockets()) }
        for socket in sockets { socket.close() }
    }

    /// Takes a connection from one of the sockets, non-blocking (accept4(2)).
    ///
    /// Nil means: enough for now. The queue is empty, or many came in a row, or there was no
    /// descriptor for another one, which costs a short pause. Throws what makes accepting
    /// impossible.
    mutating func accept(from socket: RawDescriptor) throws(IOError) -> RawDescriptor? {
        mayHaveMore = isOpen
        while isOpen, row < EchoListener.rowMax {
            row += 1
            accepts += 1
            do throws(Errno) {
                let client = try socket.accept().0
                // An option that a connection will not take does not make it a worse connection.
                try? client.setOption(.noDelay, to: 1)
                failures = 0
                return client
            } catch {
                if try !recover(from: error) { break }
            }
        }
        row = 0
        return nil
    }

    /// Does what a failed attempt asks for, and says whether to try the next one at once.
    mutating func recover(from error: Errno) throws(IOError) -> Bool {
        if error == .wouldBlock {
            mayHaveMore = false
            return false
        }
        failures += 1
        // Linux hands over what happened to a connection while it waited in the queue (accept(2)).
        // Where each attempt fails, it is no use to go on at once.
        let isOfOne = error.concernsOneConnection
        if isOfOne, failures < Errno.acceptFailuresInARow { return true }
        guard isOfOne || error.meansExhaustion else {
            throw IOError(.accept, .system(error))
        }
        counted.acceptErrors += 1
        RunningThread.pause(nanoseconds: EchoListener.pauseAfterFailure)
        return false
    }

    /// Says whether a connection may be served beside so many; if not, closes it.
    mutating func admit(_ client: RawDescriptor, beside open: Int) -> Bool {
        if open < connectionsMax { return true }
        counted.refused += 1
        client.close()
        return false
    }

    /// Makes calls on a connection wait; one that refuses that is closed.
    mutating func setBlocking(_ client: RawDescriptor) -> Bool {
        do throws(Errno) {
            try client.setBlocking()
            return true
        } catch {
            refuse(client, because: "fcntl: \(error)")
            return false
        }
    }

    /// Counts a connection that is served from now on, as one of so many.
    mutating func countServed(open: Int) {
        counted.accepted += 1
        counted.openMax = max(counted.openMax, open)
    }

    /// Closes a connection that cannot be served, and says why, though not every time.
    mutating func refuse(_ client: RawDescriptor, because reason: String) {
        client.close()
        counted.refused += 1
        notice("refused a connection: \(reason)")
    }

    /// Says what has become of a connection, though not every time.
    mutating func notice(_ line: String) {
        let now = Instant.now
        guard now >= nextNotice else { return }
        nextNotice = now.advanced(byNanoseconds: EchoListener.noticePause)
        StandardError.say(line)
    }

    /// Says how many connections there are and were.
    func report(open: Int) { sayConnections(open: open, accepted: counted.accepted) }

    /// What was counted here.
    var counters: EchoCounters { counted.counting("accept4", accepts) }
}

/// Answers SIGUSR1 where there are no tasks to tell of.
func sayConnections(open: Int, accepted: Int) {
    StandardError.say("connections: \(open) open, \(accepted) accepted")
}
