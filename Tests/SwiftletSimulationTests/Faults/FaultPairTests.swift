import Syscalls
import Testing

@testable import SwiftletSimulation

/// Two faults at a time, in each order in which they can begin and end.
@Suite struct FaultPairTests {
    /// Faults between two hosts and on them, each of which changes what becomes of a segment.
    static let faults: [(fault: Fault, scope: FaultScope)] = {
        let (a, b) = (ThreeHosts().a, ThreeHosts().b)
        let both = FaultScope.between(a, and: b)
        return [
            (Fault.partition, both),
            (Fault.partition, FaultScope.from(a, to: b)),
            (Fault.partition, FaultScope.from(b, to: a)),
            (Fault.latency(.uniform(.milliseconds(1) ... .seconds(3))), both),
            (Fault.delayedSegments(by: .constant(.seconds(2)), probability: 0.3), both),
            (Fault.bandwidth(bytesPerSecond: 50), both),
            (Fault.splitSegments(ofAtMost: 3), both),
            (Fault.refusedConnects, FaultScope.to(b)),
            (Fault.fullBacklog, FaultScope.to(b)),
            (Fault.reset, both),
            (Fault.crash, FaultScope.of(b)),
            (Fault.shortReads(probability: 0.5), FaultScope.everywhere),
            (Fault.shortWrites(probability: 0.5), FaultScope.everywhere),
            (
                Fault.failing(.accept, with: .tooManyOpenFiles, probability: 0.5),
                FaultScope.of(b)
            ),
        ]
    }()

    @Test(arguments: faults.indices)
    func `what is sent under two faults arrives, or its connection ends`(first: Int) throws {
        for second in FaultPairTests.faults.indices {
            for endsFirst in [true, false] {
                for seed in 0..<2 as Range<UInt64> {
                    let faults = [first, second].map { FaultPairTests.faults[$0] }
                    var run = PairRun(seed: seed)
                    // The first lasts from 1 s to 3 s or 5 s, the second from 2 s to 4 s.
                    run.hosts.inject(
                        faults[0].fault, faults[0].scope, after: .seconds(1),
                        for: .seconds(endsFirst ? 2 : 4))
                    run.hosts.inject(
                        faults[1].fault, faults[1].scope, after: .seconds(2), for: .seconds(2))
                    try run.play()
                    run.closeAll()
                    let wrong = run.wrong + [run.hosts.leftOvers].compactMap { $0 }
                    #expect(wrong == [], "\(faults), first ends first: \(endsFirst), seed \(seed)")
                }
            }
        }
    }
}

/// Two hosts that connect, send and read all the time while something goes wrong.
private struct PairRun {
    var hosts = ThreeHosts()
    /// What did not hold.
    private(set) var wrong: [String] = []
    private var random: SeededRandom
    private var listener: RawDescriptor?
    private var sockets: [Open] = []

    /// A socket, what it has sent, and what it has read.
    private struct Open {
        let socket: RawDescriptor
        let host: FaultScope.Party
        let end: EndID
        var sent = 0
        var received = 0
        var hasFailed = false
    }

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        hosts.kernel.random = random.split()
        // So slow that faults begin and end while segments are under way.
        hosts.inject(.latency(.uniform(.milliseconds(1) ... .milliseconds(800))))
    }

    /// Eight seconds of traffic, and then as much time as everything needs to arrive.
    mutating func play() throws {
        for step in 0..<80 {
            pass(.milliseconds(100))
            if listener == nil { listener = try? hosts.listen(on: hosts.b) }
            if step.isMultiple(of: 8) { connect() }
            accept()
            for place in sockets.indices {
                if random.number(below: 3) == 0 { send(at: place) }
                read(at: place)
            }
        }
        hosts.kernel.healAll()
        // A connection of which only one end knows is asked again after 63 s at most.
        for _ in 0..<30 {
            pass(.seconds(10))
            accept()
            for place in sockets.indices { read(at: place) }
        }
        for open in sockets where !open.hasFailed {
            guard let peer = sockets.first(where: { $0.end == open.end.peer }) else { continue }
            guard !peer.hasFailed, peer.received != open.sent else { continue }
            wrong.append("\(open.host.name) sent \(open.sent), \(peer.received) arrived")
        }
    }

    /// Closes everything, and waits until no end is patient any more.
    mutating func closeAll() {
        for open in sockets { hosts.kernel.close(open.socket, on: open.host.id) }
        if let listener { hosts.kernel.close(listener, on: hosts.b.id) }
        pass(.seconds(2_000))
    }

    /// Lets time pass, and machines lose and get back their power.
    private mutating func pass(_ time: Duration) {
        hosts.pass(time)
        for change in hosts.kernel.faults.takePowerChanges() {
            if change.isOn { hosts.kernel.restart(change.host) }
            if change.isOn || hosts.kernel.hosts[change.host].isDown { continue }
            hosts.kernel.crash(change.host)
            sockets.removeAll { $0.host.id == change.host }
            listener = nil
        }
    }

    private mutating func connect() {
        let client = Result { try hosts.connect(from: hosts.a, to: hosts.b) }
        if case .success(let socket) = client { add(socket, on: hosts.a) }
    }

    private mutating func accept() {
        guard let listener else { return }
        while case .success(let socket) = Result(catching: {
            try hosts.accept(listener, on: hosts.b)
        }) {
            add(socket, on: hosts.b)
        }
    }

    private mutating func add(_ socket: RawDescriptor, on host: FaultScope.Party) {
        guard let end = hosts.kernel.hosts[host.id][socket].end else { return }
        sockets.append(Open(socket: socket, host: host, end: end))
    }

    /// Bytes count up in each direction, so that a lost or moved one shows.
    private mutating func send(at place: Int) {
        let (open, count) = (sockets[place], 1 + random.number(below: 20))
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: open.sent + $0) }
        do {
            sockets[place].sent += try bytes.withUnsafeBytes {
                try hosts.kernel.send(open.socket, on: open.host.id, $0)
            }
        } catch {
            note(error, at: place)
        }
    }

    private mutating func read(at place: Int) {
        let open = sockets[place]
        var bytes = [UInt8](repeating: 0, count: 1000)
        do {
            let count = try bytes.withUnsafeMutableBytes {
                try hosts.kernel.receive(open.socket, on: open.host.id, into: $0)
            }
            let expected = (0..<count).map { UInt8(truncatingIfNeeded: open.received + $0) }
            if Array(bytes[..<count]) != expected { wrong.append("bytes are out of order") }
            sockets[place].received += count
        } catch {
            note(error, at: place)
        }
    }

    private mutating func note(_ error: any Error, at place: Int) {
        if error as? Errno != .wouldBlock { sockets[place].hasFailed = true }
    }
}
