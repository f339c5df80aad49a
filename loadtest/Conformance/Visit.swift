import Processes
import Syscalls

/// One check on its way: the service that is asked, and until when it may answer.
struct Visit {
    let address: SocketAddress
    let process: CInt?
    let deadline: Instant
    /// How long a service that reads no more is sent more.
    let patience: Duration

    /// What a client that never reads may send before the service has to stop reading.
    private static let floodLimit = 64 << 20
    /// What it may cost meanwhile: queues and buffers, and not what it sent.
    private static let memoryLimit = 16 << 20

    func make(_ check: Conformance.Check) throws(Client.Failure) {
        switch check {
        case .stream: try connect().exchange(Visit.bytes(1 << 20))
        case .trickle: try trickle()
        case .crowd: try crowd(of: 100)
        case .halfClose: try halfClose()
        case .reset: try reset()
        case .silentReader: try silentReader()
        case .sizes: try sizes()
        case .bounds: try bounds()
        case .senders: try crowd(of: 100, by: .datagram)
        }
    }

    private func connect(by kind: SocketKind = .stream) throws(Client.Failure) -> Client {
        try Client.connect(to: address, by: kind, until: deadline)
    }

    /// Bytes that no shift, no swap of buffers and no other client's leaves unchanged.
    private static func bytes(_ count: Int, seed: Int = 1) -> [UInt8] {
        var state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 | 1
        return Array(unsafeUninitializedCapacity: count) { bytes, written in
            while written < count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[written] = UInt8(truncatingIfNeeded: state >> 56)
                written += 1
            }
        }
    }

    private func trickle() throws(Client.Failure) {
        let client = try connect()
        let bytes = Visit.bytes(100)
        var echo: [UInt8] = []
        for byte in bytes { echo += try client.send(CollectionOfOne(byte)) }
        try Client.compare(try client.receive(bytes.count, after: echo), with: bytes)
    }

    /// All are connected before the first one speaks, and all have spoken before one listens.
    private func crowd(of count: Int, by kind: SocketKind = .stream) throws(Client.Failure) {
        var seats: [Seat] = []
        for number in 1...count { seats.append(Seat(number, try connect(by: kind))) }
        for seat in seats { seat.echo = try seat.client.send(seat.bytes) }
        for seat in seats {
            do throws(Client.Failure) {
                let echo = try seat.client.receive(seat.bytes.count, after: seat.echo)
                try Client.compare(echo, with: seat.bytes)
            } catch {
                throw Client.Failure("client \(seat.number) of \(count): \(error.reason)")
            }
        }
    }

    /// One client of a crowd, with bytes that no other one sends.
    private final class Seat {
        let number: Int
        let client: Client
        let bytes: [UInt8]
        var echo: [UInt8] = []

        init(_ number: Int, _ client: consuming Client) {
            self.number = number
            self.client = client
            bytes = Visit.bytes(512, seed: number)
        }
    }

    private func halfClose() throws(Client.Failure) {
        let client = try connect()
        let bytes = Visit.bytes(256 << 10)
        let first = try client.send(bytes)
        try client.finishWriting()
        // One more than was sent: the end of the stream must be what ends it.
        try Client.compare(try client.receive(bytes.count + 1, after: first), with: bytes)
    }

    private func reset() throws(Client.Failure) {
        for length in [0, 1, 1000, 100_000] {
            let broken = try connect()
            let other = try connect()
            _ = try broken.send(Visit.bytes(length))
            try broken.reset()
            do throws(Client.Failure) {
                try other.exchange(Visit.bytes(1000, seed: 2))
            } catch {
                throw Client.Failure("another client is not served any more: \(error.reason)")
            }
        }
    }

    private func sizes() throws(Client.Failure) {
        let client = try connect(by: .datagram)
        for size in [1, 512, 1472, 1473, 9000, 65_507] {
            do throws(Client.Failure) {
                try client.exchange(Visit.bytes(size))
            } catch {
                throw Client.Failure("\(size) bytes: \(error.reason)")
            }
        }
    }

    private func bounds() throws(Client.Failure) {
        let client = try connect(by: .datagram)
        let sent = [10, 20, 30].map { Visit.bytes($0, seed: $0) }
        var came: [[UInt8]] = []
        for bytes in sent {
            let first = try client.send(bytes)
            if !first.isEmpty { came.append(first) }
        }
        // One is received at a time, and each is longer than that.
        while came.count < sent.count { came.append(try client.receive(1)) }
        // They may come in another order.
        for (bytes, echo) in zip(sent, came.sorted { $0.count < $1.count }) {
            try Client.compare(echo, with: bytes)
        }
    }

    private func silentReader() throws(Client.Failure) {
        let before = process.map { ProcessTree(of: $0).memory.total }
        let client = try connect()
        let sent = client.flood(atMost: Visit.floodLimit, patience: patience)
        if sent >= Visit.floodLimit {
            throw Client.Failure("\(sent >> 20) MiB were taken from a client that reads nothing")
        }
        guard let process, let before else { return }
        let growth = ProcessTree(of: process).memory.total - before
        if growth > Visit.memoryLimit {
            throw Client.Failure("it cost \(growth >> 20) MiB of memory")
        }
    }
}
