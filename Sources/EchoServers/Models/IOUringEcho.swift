import Glibc
import Swiftlet
import Syscalls

/// The echo service as a loop over io_uring(7), by completions.
///
///     accept each ──► receive each ──► shared buffer ──► send ──► buffer back to the kernel
///
/// It never asks what is ready: the kernel receives and sends, and says what it has done. One
/// request takes every connection, one a client takes everything that it sends, into buffers that
/// all share; and one system call a turn hands over all the sends and waits for what comes.
///
/// The price: a request under way owns its memory and its socket. Both stay until it has completed,
/// so that to end something is to ask first and to close later.
enum IOUringEcho: EchoService {
    static let ownCall = "io_uring_enter"
    static let story =
        "A loop over completions: one multishot request accepts, one receives for each "
        + "connection into buffers that the kernel picks, and answers are submitted in "
        + "batches with the wait. It makes few system calls a message; the work inside of "
        + "them, most of it the network's, stays."

    static func run(
        _ options: EchoOptions, stoppedBy signals: SignalSet,
        onReady: @escaping @Sendable (ServiceAddress) -> Void
    ) throws -> EchoCounters {
        var loop = try IOUringLoop(options, signals)
        for address in loop.listener.addresses { onReady(address) }
        do {
            while !loop.isOver { try loop.turn() }
        } catch {
            try loop.end()
            throw error
        }
        try loop.end()
        return loop.counters
    }
}

private struct IOUringLoop: ~Copyable {
    private var stop: EchoStop
    private(set) var listener: EchoListener
    private var calls: IOUringCalls
    private var clients: IOUringClients
    private var patience = Patience()

    init(_ options: EchoOptions, _ signals: SignalSet) throws(IOError) {
        let stop = try EchoStop(signals, drain: options.drain)
        let listener = try EchoListener(options)
        var calls = try IOUringCalls()
        try calls.pollEach(stop.raw)
        for socket in listener.sockets { try calls.acceptEach(socket) }
        self.stop = stop
        self.listener = listener
        self.calls = calls
        clients = IOUringClients(options)
    }

    /// Whether the service ends now.
    var isOver: Bool { stop.isOver(open: clients.count) }

    var counters: EchoCounters {
        var counters = listener.counters
        counters.add(clients.counters)
        return counters.counting("io_uring_enter", calls.enters)
    }

    /// Hands over what is to be done, waits until something is done, and sees to what is next.
    mutating func turn() throws(IOError) {
        try calls.wait(stop.patience)
        while let outcome = calls.take() {
            let (completion, descriptor) = (outcome.completion, outcome.descriptor)
            switch outcome.operation {
            case .stop: try takeSignals(completion)
            case .accept: try admit(completion, from: descriptor)
            case .receive: try clients.echo(completion, from: descriptor, &calls)
            case .send: try clients.endSend(completion, to: descriptor, &calls)
            case .end: break
            }
        }
    }

    private mutating func takeSignals(_ completion: IOUring.Completion) throws(IOError) {
        if let error = completion.error {
            try patience.outlastWait(error)
        } else {
            patience.renew()
        }
        if !completion.hasMore { try calls.pollEach(stop.raw) }
        try stop.takeSignals { listener.report(open: clients.count) }
        if stop.isDraining {
            for socket in listener.sockets {
                try calls.end(IOUringCalls.Operation.accept.tag(socket))
            }
        }
    }

    /// Takes a client in; and when the kernel accepts no more, asks it to again.
    private mutating func admit(
        _ completion: IOUring.Completion, from socket: RawDescriptor
    ) throws(IOError) {
        if let error = completion.error {
            if error != .cancelled { _ = try listener.recover(from: error) }
        } else {
            let client = RawDescriptor(completion.result)
            if listener.admit(client, beside: clients.count) {
                // An option that a connection will not take does not make it a worse connection.
                try? client.setOption(.noDelay, to: 1)
                try clients.add(client, &calls)
                listener.countServed(open: clients.count)
            }
        }
        if completion.hasMore { return }
        if stop.isDraining { listener.close() } else { try calls.acceptEach(socket) }
    }

    /// Ends every request and awaits that, so that what they used may go.
    mutating func end() throws(IOError) {
        try calls.endAll()
        while calls.underWay > 0 {
            try calls.wait(nil)
            while let outcome = calls.take() {
                // A client that came in the last moment.
                if outcome.operation == .accept, outcome.completion.error == nil {
                    RawDescriptor(outcome.completion.result).close()
                }
            }
        }
    }
}

/// The ring of the completion loop, its shared buffers, and a count of what is under way.
private struct IOUringCalls: ~Copyable {
    /// What a request is for; with a descriptor, its tag.
    enum Operation: UInt64 {
        case stop, accept, receive, send, end

        func tag(_ descriptor: RawDescriptor) -> UInt64 {
            rawValue << 32 | UInt64(UInt32(bitPattern: descriptor.number))
        }
    }

    /// What has completed.
    struct Outcome {
        let operation: Operation
        let descriptor: RawDescriptor
        let completion: IOUring.Completion
    }

    /// The number of the buffers, for requests that receive into them.
    let group: UInt16 = 0
    /// Requests that have not completed: what they use must stay.
    private(set) var underWay = 0
    var buffers: IOUringBuffers
    private var ring: IOUring

    /// System calls made.
    var enters: Int { ring.enters }

    init() throws(IOError) {
        let ring = try attempt(.wait) { () throws(Errno) in
            try IOUring(capacity: 1024, completions: 4096)
        }
        buffers = try attempt(.wait) { () throws(Errno) in
            try IOUringBuffers(count: 512, size: 4096, group: 0, on: ring)
        }
        self.ring = ring
    }

    /// Adds a request to those that the next wait hands over.
    mutating func add(_ request: IOUring.Request) throws(IOError) {
        try put(request)
        underWay += 1
    }

    /// Completes whenever a signal has come, until it is ended or fails.
    mutating func pollEach(_ signals: RawDescriptor) throws(IOError) {
        let tag = Operation.stop.tag(signals)
        try add(.poll(signals, events: UInt32(POLLIN), isLasting: true, tag: tag))
    }

    /// Takes every connection, until it is ended or fails.
    mutating func acceptEach(_ listener: RawDescriptor) throws(IOError) {
        try add(.acceptEach(listener, tag: Operation.accept.tag(listener)))
    }

    /// Asks for the end of a request, which then completes with `ECANCELED`.
    mutating func end(_ tag: UInt64) throws(IOError) {
        try put(.end(tagged: tag, tag: Operation.end.tag(RawDescriptor(-1))))
    }

    /// Asks for the end of every request.
    mutating func endAll() throws(IOError) {
        try put(.endAll(tag: Operation.end.tag(RawDescriptor(-1))))
    }

    private mutating func put(_ request: IOUring.Request) throws(IOError) {
        do throws(Errno) { try ring.add(request) } catch { throw IOError(.wait, .system(error)) }
    }

    /// Hands over every request and waits until one has completed (io_uring_enter(2)).
    mutating func wait(_ nanoseconds: Int64?) throws(IOError) {
        do throws(Errno) {
            try ring.enterAndWait(nanoseconds: nanoseconds)
        } catch {
            throw IOError(.wait, .system(error))
        }
    }

    /// Takes what has completed next; nil when that is all.
    mutating func take() -> Outcome? {
        guard let completion = ring.take(),
            let operation = Operation(rawValue: completion.tag >> 32)
        else { return nil }
        // The end of a request completes only when it has failed, and was not counted.
        if !completion.hasMore, operation != .end { underWay -= 1 }
        let number = CInt(truncatingIfNeeded: completion.tag)
        return Outcome(
            operation: operation, descriptor: RawDescriptor(number), completion: completion)
    }
}

/// The clients of the completion loop, and what is under way for them.
///
///     received ──► nothing is being sent: sent from the shared buffer, as much as fits at once
///                  something is         : gathered; beyond 64 KiB no more is asked for
///     sent     ──► all of it            : the buffer goes back
///                  a part               : what is left and what was gathered moves to memory of
///                                         the client's own, and is sent for as long as it takes
///
/// What the kernel has received by the time that it is told to stop comes still: for a client that
/// takes nothing, at most what all shared buffers hold, 2 MiB.
///
/// At most one send of a client is under way, so that its bytes stay in order. And a shared buffer
/// is with a client for a turn only, so that those which take nothing leave the others their
/// buffers.
private struct IOUringClients: ~Copyable {
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

    /// Bytes of a client beyond which no more is asked for.
    private static let heldMax = 65_536

    /// How many are open.
    private(set) var count = 0
    private(set) var counters = EchoCounters()
    private let upper: Bool
    /// By descriptor.
    private var clients: [Client] = []

    init(_ options: EchoOptions) { upper = options.upper }

    deinit {
        for (number, client) in clients.enumerated() where client.isOpen {
            let socket = RawDescriptor(CInt(number))
            // An end in order would say that this was all.
            if !client.sending.isEmpty { try? socket.resetOnClose() }
            if client.buffer == nil { client.sending.deallocate() }
            socket.close()
        }
    }

    /// Takes over a socket that was just accepted.
    mutating func add(_ client: RawDescriptor, _ calls: inout IOUringCalls) throws(IOError) {
        while clients.count <= client.number { clients.append(Client()) }
        clients[Int(client.number)].isOpen = true
        count += 1
        try advance(client, &calls)
    }

    /// Sends back what has come.
    mutating func echo(
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
        try advance(client, &calls)
    }

    /// Lets go of what was sent, and sends what is left.
    mutating func endSend(
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
        try advance(client, &calls)
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
    private mutating func advance(
        _ client: RawDescriptor, _ calls: inout IOUringCalls
    ) throws(IOError) {
        let state = clients[Int(client.number)]
        // What is in a shared buffer costs nothing of the client's own.
        let held = state.gathered.count + (state.buffer == nil ? state.sending.count : 0)
        let mayReceive = !state.hasEnded && held <= IOUringClients.heldMax
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
