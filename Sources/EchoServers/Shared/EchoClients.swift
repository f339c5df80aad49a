import Syscalls

/// The clients of a loop over non-blocking sockets, and one step of serving one of them.
///
///     recv ──► buffer, one for all ──► send ──┬──► taken
///                                             └──► rest, one for each, sent before more is read
///
/// Nothing is read from a client that has not taken its echo, so none costs more than one buffer.
/// And the end of its stream is read when everything was sent: a half-closed client is answered in
/// full.
struct EchoClients: ~Copyable {
    /// How a step ended, and so what its client waits for.
    enum Step {
        /// What came was sent back. More may have come.
        case moved
        /// Nothing has come: the client is to be readable first.
        case dry
        /// The client does not take its echo: it is to be writable first.
        case full
        /// The stream has ended or broken; the socket is closed and its number free.
        case ended
    }

    private struct Client {
        var isOpen = false
        /// What was not taken yet, from `sent` on; empty for nearly all clients, nearly always.
        var rest: [UInt8] = []
        var sent = 0
    }

    /// How many are open.
    private(set) var count = 0
    private(set) var tally = EchoTally()
    private let upper: Bool
    /// By descriptor.
    private var clients: [Client] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    init(_ options: EchoOptions) { upper = options.upper }

    deinit {
        buffer.deallocate()
        for (number, client) in clients.enumerated() where client.isOpen {
            let socket = RawDescriptor(CInt(number))
            // An end in order would say that this was all.
            if !client.rest.isEmpty { try? socket.resetOnClose() }
            socket.close()
        }
    }

    /// Takes over a socket that was just accepted.
    mutating func add(_ client: RawDescriptor) {
        while clients.count <= client.number { clients.append(Client()) }
        clients[Int(client.number)].isOpen = true
        count += 1
    }

    /// Whether a client has not taken its echo.
    func isFull(_ client: RawDescriptor) -> Bool { !clients[Int(client.number)].rest.isEmpty }

    /// Makes what progress is possible without waiting: sends the rest, or echoes one read.
    mutating func step(_ client: RawDescriptor) -> Step {
        do throws(Errno) {
            if isFull(client) { return try sendRest(to: client) }
            let received = try tally.receive(from: client, into: buffer)
            if received == 0 { return end(client) }
            let message = UnsafeMutableRawBufferPointer(rebasing: buffer[..<received])
            if upper { message.makeUpperCase() }
            return try send(UnsafeRawBufferPointer(message), to: client)
        } catch .wouldBlock {
            return isFull(client) ? .full : .dry
        } catch {
            tally.errors += 1
            return end(client)
        }
    }

    private mutating func send(
        _ message: UnsafeRawBufferPointer, to client: RawDescriptor
    ) throws(Errno) -> Step {
        var sent = 0
        do throws(Errno) {
            sent = try tally.send(message, to: client)
        } catch {
            if error != .wouldBlock { throw error }
        }
        if sent == message.count { return .moved }
        clients[Int(client.number)].rest = Array(message[sent...])
        return .full
    }

    private mutating func sendRest(to client: RawDescriptor) throws(Errno) -> Step {
        let number = Int(client.number)
        let sent = clients[number].sent
        let more = try clients[number].rest.withUnsafeBufferPointer { rest throws(Errno) in
            try tally.send(
                UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: rest[sent...])), to: client)
        }
        clients[number].sent += more
        if clients[number].sent < clients[number].rest.count { return .full }
        clients[number].rest = []
        clients[number].sent = 0
        return .moved
    }

    /// Breaks off with a client that cannot be served any more.
    mutating func drop(_ client: RawDescriptor) {
        tally.errors += 1
        _ = end(client)
    }

    private mutating func end(_ client: RawDescriptor) -> Step {
        clients[Int(client.number)] = Client()
        client.close()
        count -= 1
        return .ended
    }
}
