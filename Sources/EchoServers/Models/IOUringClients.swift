import Swiftlet
import Syscalls

/// The clients of the completion loop, and what is under way for them.
///
///     received ──► nothing is being sent: sent from the shared buffer, as much as fits at once
///                  something is         : gathered; beyond 64 KiB no more is received
///     sent     ──► all of it            : the buffer goes back
///                  a part               : what is left and what was gathered moves to memory of
///                                         the client's own, and is sent for as long as it takes
///
/// At most one send of a client is under way, so that its bytes stay in order. And a shared buffer
/// is with a client for a turn only, so that those who take nothing leave the others their buffers.
struct IOUringClients: ~Copyable {
    private struct Client {
        var isOpen = false
        var isReceiving = false
        /// Whether the end of its receiving has been asked for.
        var isPausing = false
        /// Whether nothing more comes from it.
        var hasEnded = false
        /// Whether nothing can be sent to it either.
        var isBroken = false
        /// What is being sent; empty when nothing is.
        var sending = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        /// The shared buffer which that is in; nil when the memory is the client's own.
        var buffer: Int?
        /// What came while that was being sent.
        var gathered: [UInt8] = []
    }

    private static let gatheredMax = 65_536

    /// How many are open.
    private(set) var count = 0
    private(set) var counters = EchoCounters()
    private let upper: Bool
    /// By descriptor.
    private var clients: [Client] = []

    init(_ options: EchoOptions) { upper = options.upper }

    deinit {
        for (number, client) in clients.enumerated() where client.isOpen {
            if client.buffer == nil { client.sending.deallocate() }
            RawDescriptor(CInt(number)).close()
        }
    }

    /// Takes over a socket that was just accepted.
    mutating func add(_ client: RawDescriptor, _ calls: inout IOUringCalls) throws(IOError) {
        while clients.count <= client.number { clients.append(Client()) }
        clients[Int(client.number)].isOpen = true
        count += 1
        try goOn(client, &calls)
    }

    /// Sends back what has come.
    mutating func received(
        _ completion: IOUring.Completion, from client: RawDescriptor, _ calls: inout IOUringCalls
    ) throws(IOError) {
        let index = Int(client.number)
        if !completion.hasMore {
            clients[index].isReceiving = false
            clients[index].isPausing = false
        }
        if let buffer = completion.buffer, completion.result > 0 {
            let bytes = calls.buffers.bytes(of: buffer, count: Int(completion.result))
            counters.bytesRead += bytes.count
            if upper { bytes.makeUpperCase() }
            if clients[index].sending.isEmpty {
                clients[index].buffer = buffer
                clients[index].sending = bytes
                try calls.add(
                    .sendAtOnce(client, bytes, tag: IOUringCalls.Operation.send.tag(client)))
            } else {
                clients[index].gathered += bytes
                calls.buffers.offer(buffer)
            }
        } else if completion.result == 0 {
            clients[index].hasEnded = true
        } else if let error = completion.error, error != .noBufferSpace, error != .cancelled {
            fail(client)
        }
        try goOn(client, &calls)
    }

    /// Lets go of what was sent, and sends what is left.
    mutating func sent(
        _ completion: IOUring.Completion, to client: RawDescriptor, _ calls: inout IOUringCalls
    ) throws(IOError) {
        let index = Int(client.number)
        let taken = Int(max(0, completion.result))
        counters.bytesWritten += taken
        if let error = completion.error, error != .wouldBlock { fail(client) }
        let (bytes, buffer) = (clients[index].sending, clients[index].buffer)
        clients[index].sending = takeRest(of: client, after: taken)
        clients[index].buffer = nil
        if let buffer { calls.buffers.offer(buffer) } else { bytes.deallocate() }
        if !clients[index].sending.isEmpty {
            let rest = clients[index].sending
            try calls.add(.sendAll(client, rest, tag: IOUringCalls.Operation.send.tag(client)))
        }
        try goOn(client, &calls)
    }

    /// Moves what was not sent and what was gathered to memory of the client's own.
    private mutating func takeRest(
        of client: RawDescriptor, after taken: Int
    ) -> UnsafeMutableRawBufferPointer {
        let index = Int(client.number)
        let gathered = clients[index].gathered
        clients[index].gathered = []
        let left = clients[index].sending[taken...]
        if clients[index].isBroken || left.count + gathered.count == 0 {
            return UnsafeMutableRawBufferPointer(start: nil, count: 0)
        }
        let rest = UnsafeMutableRawBufferPointer.allocate(
            byteCount: left.count + gathered.count, alignment: 16)
        rest.copyBytes(from: left)
        UnsafeMutableRawBufferPointer(rebasing: rest[left.count...]).copyBytes(from: gathered)
        return rest
    }

    /// Asks for what a client needs next: to be received from, or not, or to be closed.
    private mutating func goOn(
        _ client: RawDescriptor, _ calls: inout IOUringCalls
    ) throws(IOError) {
        let state = clients[Int(client.number)]
        let mayReceive = !state.hasEnded && state.gathered.count <= IOUringClients.gatheredMax
        let receive = IOUringCalls.Operation.receive.tag(client)
        if mayReceive, !state.isReceiving {
            clients[Int(client.number)].isReceiving = true
            try calls.add(.receiveEach(client, into: calls.group, tag: receive))
        } else if !mayReceive, state.isReceiving, !state.isPausing {
            clients[Int(client.number)].isPausing = true
            try calls.end(receive)
        } else if state.hasEnded, !state.isReceiving, state.sending.isEmpty {
            clients[Int(client.number)] = Client()
            client.close()
            count -= 1
        }
    }

    /// Notes that a connection is broken, once.
    private mutating func fail(_ client: RawDescriptor) {
        if clients[Int(client.number)].isBroken { return }
        clients[Int(client.number)].isBroken = true
        clients[Int(client.number)].hasEnded = true
        counters.handlerErrors += 1
    }
}
