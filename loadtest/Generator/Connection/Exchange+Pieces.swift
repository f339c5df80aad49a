import Drivers
import Statistics
import Syscalls

// What makes a server's life harder: requests that come in pieces, and answers that nobody takes.
extension Exchange {
    /// Hands the kernel the next piece of a request.
    ///
    /// The rest goes when the socket is found writable again, which is the next turn: so the server
    /// has had a chance to see the piece by itself, and nobody looks at the clock meanwhile.
    mutating func sendPiece(on index: Int) {
        let time = Instant.now.nanoseconds
        let count = pieceDue(on: index, at: time)
        guard count > 0 else { return watch(index, isSending: false) }
        guard handOver(count, on: index, at: time) != nil else { return }
        watch(index, isSending: bytesDue(on: index, at: time) > 0)
    }

    /// Bytes of the next piece: a part of one request, never of two.
    private mutating func pieceDue(on index: Int, at time: Int64) -> Int {
        let due = bytesDue(on: index, at: time)
        guard due > 0 else { return 0 }
        let connection = table.connections + index
        let (unsent, size) = (connection.pointee.unsent, sizes[connection.pointee.begun])
        let left = min(unsent > 0 ? unsent : size, due)
        switch plan.split {
        case .none: return left
        case .bytes: return 1
        case .half: return unsent > 0 ? left : (left + 1) / 2
        case .random: return Int.random(in: 1...left, using: &random)
        }
    }

    // Reading slowly.

    /// Bytes that a slow reader takes at a time: ten slices a second.
    static func sliceBytes(_ slow: LoadPlan.SlowRead) -> Int {
        Int(min(max(1, slow.rate / 10), Double(PayloadTile.length)))
    }

    /// Reads a slice from a connection that reads slowly, and no more until the next one is due.
    mutating func receiveSlowly(on index: Int) {
        guard let slow = plan.slowRead else { return }
        let slice = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Exchange.sliceBytes(slow)])
        let before = table.connections[index].received
        receive(into: slice, on: index)
        let count = table.connections[index].received - before
        guard table.connections[index].state == .up, count > 0 else { return }
        let now = Instant.now.nanoseconds
        table.connections[index].reading = .none
        table.connections[index].lastSlice = now
        let pause = Double(count) / slow.rate * 1e9
        slices.add(index, due: now + Int64(min(pause, 1e18)))
        watch(index, isSending: table.connections[index].interest.contains(.writable))
    }

    /// Lets the slow readers read on whose next slice is due.
    mutating func resumeReading(at now: Int64) {
        while let index = slices.take(dueAt: now) {
            guard table.connections[index].state == .up else { continue }
            table.connections[index].reading = .readable
            watch(index, isSending: table.connections[index].interest.contains(.writable))
        }
    }
}
