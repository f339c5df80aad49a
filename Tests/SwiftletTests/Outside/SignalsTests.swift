import Glibc
import SwiftletSimulation
import Synchronization
import Syscalls
import Testing

@testable import Swiftlet

/// Set by a handler of the tests' own.
private let heard = Atomic(false)

/// How many signals of `raise` a handler of the tests' own has heard; whether one of `sigqueue`.
private let raised = Atomic(0), isMarked = Atomic(false)
/// What sigaction(2) calls `SI_QUEUE`.
private let codeOfQueue: CInt = -1

/// Signals that a loop waits for. They are the whole process's, so these tests take turns, and use
/// such as no other test uses.
@Suite(.serialized) struct SignalsTests {
    private func send(_ signal: Signal) { sendToThisThread(signal.rawValue) }

    /// What the process does about a signal: the address of the handler, 0 for the default.
    private func handler(of signal: Signal) -> Int {
        var action = sigaction()
        sigaction(signal.rawValue, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
    }

    @Test(arguments: DriverKind.usable)
    func `a signal that comes while a task waits is told`(driver: DriverKind) async throws {
        try await onLoop(driver) {
            let signals = Signals(.user1, .user2)
            let first = try spawn {
                for await signal in signals { return signal }
                return Signal.kill
            }
            while await EventLoop.current?.parkReports.isEmpty != false { await Task.yield() }
            send(.user2)
            #expect(try await first.value == .user2)
        }
    }

    @Test func `a signal that came before anybody waited is told`() async throws {
        try await onLoop {
            let signals = Signals(.user1)
            send(.user1)
            for await signal in signals {
                #expect(signal == .user1)
                break
            }
        }
    }

    @Test func `everybody who listens is told of every signal, on each loop`() async throws {
        try await onLoops(3) {
            let listeners = try EventLoop.all.map { loop in
                let signals = Signals(.user1, .user2)
                return try loop.spawn {
                    var heard: Set<Signal> = []
                    for await signal in signals {
                        heard.insert(signal)
                        if heard.count == 2 { break }
                    }
                    return heard
                }
            }
            send(.user1)
            send(.user2)
            for listener in listeners { #expect(try await listener.value == [.user1, .user2]) }
        }
    }

    @Test func `what a signal did before comes back when nobody listens`() async throws {
        try await onLoop {
            #expect(handler(of: .user1) == 0)
            var first: Signals? = Signals(.user1)
            var second: Signals? = Signals(.user1, .user2)
            #expect(handler(of: .user1) != 0)
            extendLifetime(first)
            first = nil
            #expect(handler(of: .user1) != 0)
            extendLifetime(second)
            second = nil
            #expect(handler(of: .user1) == 0)
            #expect(handler(of: .user2) == 0)
        }
    }

    @Test func `a signal that nobody has taken does what it did before`() async throws {
        var before = sigaction()
        var own = sigaction()
        own.__sigaction_handler.sa_handler = { _ in heard.store(true, ordering: .relaxed) }
        sigaction(SIGUSR2, &own, &before)
        defer { sigaction(SIGUSR2, &before, nil) }

        var signals: Signals? = Signals(.user2)
        send(.user2)
        let isEarly = heard.load(ordering: .relaxed)
        #expect(!isEarly)
        extendLifetime(signals)
        signals = nil
        // The kernel may choose another thread for it.
        while !heard.load(ordering: .relaxed) { await Task.yield() }
    }

    /// One of which the kernel keeps each, in order (signal(7), "Real-time signals").
    private let queued = Signal(rawValue: 40)

    /// How often the signal that is queued does what it did before, until now.
    private func countRaised(in body: () async throws -> Void) async throws -> Int {
        raised.store(0, ordering: .relaxed)
        isMarked.store(false, ordering: .relaxed)
        var (before, own) = (sigaction(), sigaction())
        own.sa_flags = SA_SIGINFO
        own.__sigaction_handler.sa_sigaction = { _, info, _ in
            if info?.pointee.si_code == codeOfQueue {
                isMarked.store(true, ordering: .relaxed)
            } else {
                raised.add(1, ordering: .relaxed)
            }
        }
        sigaction(queued.rawValue, &own, &before)
        defer { sigaction(queued.rawValue, &before, nil) }
        try await body()
        sigqueue(getpid(), queued.rawValue, sigval())
        while !isMarked.load(ordering: .relaxed) { await Task.yield() }
        return raised.load(ordering: .relaxed)
    }

    @Test func `a signal that one listener has taken is not left over with another`() async throws {
        let count = try await countRaised {
            try await onLoop {
                var first: Signals? = Signals(queued)
                var second: Signals? = Signals(queued)
                send(queued)
                var iterator = first?.makeAsyncIterator()
                let taken = await iterator?.next()
                #expect(taken == queued)
                iterator = nil
                first = nil
                extendLifetime(second)
                second = nil
            }
        }
        #expect(count == 0)
        #expect(try await countRaised { send(queued) } == 1)
    }

    @Test func `a handler that came meanwhile stays when nobody listens`() async throws {
        var (before, own) = (sigaction(), sigaction())
        own.__sigaction_handler.sa_handler = { _ in heard.store(true, ordering: .relaxed) }
        defer { sigaction(SIGUSR2, &before, nil) }
        sigaction(SIGUSR2, nil, &before)
        var signals: Signals? = Signals(.user2)
        sigaction(SIGUSR2, &own, nil)
        extendLifetime(signals)
        signals = nil
        #expect(handler(of: .user2) != 0)
    }

    @Test func `in a simulation none is caught, and none comes`() throws {
        let outside = Signals(.user1)
        send(.user1)
        try simulated { _ in
            let inside = Signals(.user2)
            try #require(handler(of: .user2) == 0)
            extendLifetime(inside)
            let waiting = try spawn {
                for await _ in outside { return true }
                return false
            }
            try await settle()
            waiting.cancel()
            let hasHeard = try await waiting.value
            try #require(!hasHeard)
        }
        #expect(outside.takeAll() == 1)
    }

    @Test func `a signal that is ignored stays so`() async throws {
        let before = signal(SIGUSR2, SIG_IGN)
        defer { signal(SIGUSR2, before) }
        try await onLoop {
            let signals = Signals(.user2, .user1)
            send(.user2)
            send(.user1)
            for await signal in signals {
                #expect(signal == .user1)
                break
            }
        }
    }

    @Test func `what cannot be caught is left alone`() async throws {
        try await onLoop {
            let signals = Signals(.kill, Signal(rawValue: SIGSEGV), Signal(rawValue: 1_000))
            let waiting = try spawn {
                for await _ in signals { return false }
                return true
            }
            await Task.yield()
            waiting.cancel()
            #expect(try await waiting.value)
        }
    }

    @Test func `the sequence ends when its task is cancelled, and with the loop`() async throws {
        let left = try await onLoop {
            let signals = Signals(.user1)
            let cancelled = try spawn { for await _ in signals {} }
            await Task.yield()
            cancelled.cancel()
            try await cancelled.value
            return try spawn { for await _ in Signals(.user1) {} }
        }
        try await left.value
        #expect(handler(of: .user1) == 0)
    }

    @Test func `listening leaves no descriptor behind`() async throws {
        try await onLoop {
            let before = openDescriptors()
            for _ in 0..<1_000 {
                let signals = Signals(.user1)
                send(.user1)
                for await _ in signals { break }
            }
            // Other tests, which run beside this one, have descriptors too.
            #expect(openDescriptors() < before + 500)
        }
    }

    @Test func `a signal stops a server in order, and then is the default's again`() async throws {
        try await onLoop {
            let listener = try await Listener.bind(to: anyPort())
            let server = StreamServer(listener: listener)
            let serving = try spawn {
                try await server.serve(until: .user1, grace: .seconds(3600)) { connection in
                    while let line = try await connection.readLine() {
                        try await connection.write(line + "\n")
                    }
                }
            }
            try await Connection.connect(to: server.address) { connection in
                try await connection.write("hello\n")
                #expect(try await connection.readLine() == "hello")
                send(.user1)
                #expect(try await connection.readLine() == nil)
            }
            try await serving.value
            #expect(server.statistics.accepted == 1)
            #expect(handler(of: .user1) == 0)
        }
    }

    @Test func `a second signal ends the grace`() async throws {
        try await onLoop {
            let listener = try await Listener.bind(to: anyPort())
            let server = StreamServer(listener: listener)
            let serving = try spawn {
                try await server.serve(until: .user1, .user2, grace: .seconds(3600)) { connection in
                    try await connection.write("x")
                    // It will not end by itself.
                    try await sleep(for: .seconds(3600))
                }
            }
            try await Connection.connect(to: server.address) { connection in
                #expect(try await connection.read(exactly: 1) == [120])
                send(.user1)
                while !server.isStopping { try await sleep(for: .milliseconds(1)) }
                send(.user2)
                try await serving.value
            }
        }
    }

    @Test(arguments: [Duration.zero, .seconds(3600)])
    func `the same signal again ends the grace unless it comes at once`(
        echo: Duration
    ) async throws {
        try await onLoop {
            let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
            let serving = try spawn {
                try await server.serve(
                    until: Signals(.user1, .user2), grace: .seconds(3600), takingAsOne: echo,
                    file: #fileID, line: #line
                ) { connection in
                    // It will not end by itself.
                    while true {
                        try await connection.write("x")
                        try await sleep(for: .milliseconds(1))
                    }
                }
            }
            try await Connection.connect(to: server.address) { connection in
                #expect(try await connection.read(exactly: 1) == [120])
                send(.user1)
                while !server.isStopping { try await sleep(for: .milliseconds(1)) }
                send(.user1)
                if echo > .zero {
                    #expect(try await connection.read(exactly: 20)?.count == 20)
                    send(.user2)
                }
                try await serving.value
            }
        }
    }

    @Test func `the same signal again is not left over when the server has stopped`()
        async throws
    {
        let count = try await countRaised {
            try await onLoop {
                let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
                let serving = try spawn {
                    try await server.serve(until: queued, grace: .seconds(3600)) { connection in
                        try await connection.write("x")
                        while !server.isStopping { try await sleep(for: .milliseconds(1)) }
                        send(queued)
                    }
                }
                try await Connection.connect(to: server.address) { connection in
                    _ = try await connection.read(exactly: 1)
                    send(queued)
                    _ = try await connection.read()
                }
                try await serving.value
            }
        }
        #expect(count == 0)
    }

    @Test func `a signal stops a server of datagrams in order`() async throws {
        try await onLoop {
            let socket = try await DatagramSocket.bind(to: anyPort())
            let server = try DatagramServer(sockets: [socket])
            let serving = try spawn {
                try await server.servePeers(until: .user1, grace: .seconds(3600)) { peer in
                    while let datagram = try await peer.receive() {
                        try await peer.send(datagram.bytes)
                    }
                    try await peer.send("bye")
                }
            }
            let client = try await DatagramSocket.connect(to: server.address)
            try await client.send("hello")
            #expect(try await client.receive().text == "hello")
            send(.user1)
            #expect(try await client.receive().text == "bye")
            try await serving.value
            #expect(handler(of: .user1) == 0)
        }
    }

    @Test func `a second signal ends the handlers of datagrams`() async throws {
        try await onLoop {
            let socket = try await DatagramSocket.bind(to: anyPort())
            let server = try DatagramServer(sockets: [socket])
            let serving = try spawn {
                try await server.serve(until: .user1, .user2, grace: .seconds(3600)) { datagram in
                    try await datagram.reply("x")
                    // It will not end by itself.
                    try await sleep(for: .seconds(3600))
                }
            }
            let client = try await DatagramSocket.connect(to: server.address)
            try await client.send("hello")
            #expect(try await client.receive().text == "x")
            send(.user1)
            while !server.isStopping { try await sleep(for: .milliseconds(1)) }
            send(.user2)
            try await serving.value
        }
    }

    @Test func `a signal has its usual name`() {
        #expect("\(Signal.terminate), \(Signal(rawValue: 40))" == "SIGTERM, signal 40")
    }
}
