import Drivers
import Syscalls
import Testing

@testable import SwiftletSimulation

/// Hosts that do what a seed says, under faults, and what must hold whatever they do.
@Suite(.timeLimit(.minutes(10))) struct KernelSweepTests {
    @Test(arguments: 0..<100 as Range<UInt64>)
    func `streams stay in order and nothing is left when everything is closed`(
        seed: UInt64
    ) throws {
        var sweep = Sweep(seed: seed)

        for _ in 0..<400 { try sweep.step() }
        sweep.end()

        #expect(sweep.faults == [], "seed \(seed)")
        #expect(sweep.hosts.leftOvers == nil, "seed \(seed)")
    }

    @Test func `the same seed does the same`() throws {
        func table(seed: UInt64) throws -> [String] {
            var sweep = Sweep(seed: seed)
            for _ in 0..<300 { try sweep.step() }
            return sweep.hosts.kernel.socketTable
        }

        #expect(try table(seed: 7) == table(seed: 7))
        #expect(try table(seed: 7) != table(seed: 8))
    }
}

/// Three hosts that listen, connect, send, read, close and crash at random.
private struct Sweep {
    var hosts = ThreeHosts()
    var random: SeededRandom
    /// What did not hold.
    var faults: [String] = []
    private var listeners: [(socket: RawDescriptor, host: FaultScope.Party)] = []
    private var sockets: [Open] = []

    /// A socket with the bytes that were sent to and read from it.
    private struct Open {
        let socket: RawDescriptor
        let host: FaultScope.Party
        /// Which connection it is, and at which end.
        let stream: EndID?
        var received: UInt8 = 0
        var sent: UInt8 = 0
    }

    /// Bytes that count up, from any of the 256 on.
    private static let counting = (0..<60_000).map { UInt8(truncatingIfNeeded: $0) }

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        hosts.kernel.random = random.split()
        hosts.inject(.latency(.uniform(.zero ... .milliseconds(50))))
        hosts.inject(.shortReads(probability: 0.3))
        hosts.inject(.shortWrites(probability: 0.3))
        hosts.inject(.spuriousReadiness(probability: 0.3))
    }

    private mutating func anyHost() -> FaultScope.Party {
        [hosts.a, hosts.b, hosts.c][random.number(below: 3)]
    }

    mutating func step() throws {
        switch random.number(below: 100) {
        case 0..<10: listen()
        case 10..<25: connect()
        case 25..<40: acceptAll()
        case 40..<60: send()
        case 60..<75: receive()
        case 75..<80: close()
        case 80..<83: shutDown()
        case 83..<84: crash()
        case 84..<86: partition()
        default: hosts.pass(.milliseconds(random.number(below: 40)))
        }
    }

    private mutating func listen() {
        let host = anyHost()
        let port = UInt16(80 + random.number(below: 2))
        let backlog = random.number(below: 3)
        let listener = Result { try hosts.listen(on: host, port: port, backlog: backlog) }
        if case .success(let socket) = listener { listeners.append((socket, host)) }
    }

    private mutating func connect() {
        let (host, target) = (anyHost(), anyHost())
        let port = UInt16(80 + random.number(below: 2))
        let client = Result { try hosts.connect(from: host, to: target, port: port) }
        if case .success(let socket) = client { add(socket, on: host) }
    }

    private mutating func add(_ socket: RawDescriptor, on host: FaultScope.Party) {
        sockets.append(
            Open(socket: socket, host: host, stream: hosts.kernel.hosts[host.id][socket].end))
        let interest = [Interest.readable, .writable, .both][random.number(below: 3)]
        _ = hosts.error { try $0.kernel.setInterest(interest, in: socket, on: host.id) }
    }

    private mutating func acceptAll() {
        for (listener, host) in listeners {
            let accepted = Result { try hosts.accept(listener, on: host) }
            if case .success(let socket) = accepted { add(socket, on: host) }
        }
    }

    /// Bytes count up in each direction, so that a lost or moved one shows.
    private mutating func send() {
        guard !sockets.isEmpty else { return }
        let place = random.number(below: sockets.count)
        let open = sockets[place]
        let bytes = Sweep.counting[Int(open.sent)...].prefix(random.number(below: 30_000))
        let count = Result {
            try bytes.withUnsafeBytes {
                try hosts.kernel.send(open.socket, on: open.host.id, $0)
            }
        }
        if case .success(let count) = count {
            sockets[place].sent &+= UInt8(truncatingIfNeeded: count)
        }
    }

    private mutating func receive() {
        guard !sockets.isEmpty else { return }
        let place = random.number(below: sockets.count)
        let open = sockets[place]
        var bytes = [UInt8](repeating: 0, count: random.number(below: 50_000))
        let count = Result {
            try bytes.withUnsafeMutableBytes {
                try hosts.kernel.receive(open.socket, on: open.host.id, into: $0)
            }
        }
        guard case .success(let count) = count, count > 0 else { return }
        let expected = Sweep.counting[Int(open.received)...].prefix(count)
        let isInOrder = bytes[..<count].elementsEqual(expected)
        if !isInOrder { faults.append("\(open.host.name) \(open.socket) read out of order") }
        sockets[place].received &+= UInt8(truncatingIfNeeded: count)
    }

    private mutating func close() {
        guard !sockets.isEmpty else { return }
        let open = sockets.remove(at: random.number(below: sockets.count))
        if random.draw(0.2) {
            _ = hosts.error { try $0.kernel.resetOnClose(open.socket, on: open.host.id) }
        }
        hosts.kernel.close(open.socket, on: open.host.id)
    }

    private mutating func shutDown() {
        guard !sockets.isEmpty else { return }
        let open = sockets[random.number(below: sockets.count)]
        _ = hosts.error { try $0.kernel.closeWrite(open.socket, on: open.host.id) }
    }

    private mutating func crash() {
        let host = anyHost()
        if hosts.kernel.hosts[host.id].isDown { return hosts.kernel.restart(host.id) }
        hosts.kernel.crash(host.id)
        listeners.removeAll { $0.host == host }
        sockets.removeAll { $0.host == host }
    }

    private mutating func partition() {
        let (one, other) = (anyHost(), anyHost())
        if one != other { hosts.inject(.partition, .from(one, to: other), for: .seconds(2)) }
    }

    /// Closes everything, and waits until every end has given up.
    mutating func end() {
        hosts.kernel.healAll()
        for host in [hosts.a.id, hosts.b.id, hosts.c.id] {
            for socket in hosts.kernel.hosts[host].openSockets {
                hosts.kernel.close(socket, on: host)
            }
        }
        hosts.pass(.seconds(2_000))
    }
}
