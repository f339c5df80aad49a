import Drivers
import Syscalls

/// One connection of a worker, as plain memory: the worker's table holds them in a row.
///
///     stream        ····················|==============|~~~~~~~~~|
///                                       received       sent      end of the newest request
///     sendTimes     [ - - t t t - - ]   when the open requests were sent, oldest at `oldest`
///
/// A request exists from the moment that its first byte is handed to the kernel: until then its
/// place in the pipeline is free. So at most one request, the newest, is partly sent.
struct Connection {
    enum State: UInt8 { case unopened, connecting, up, closed }

    var descriptor = RawDescriptor(-1)
    var state = State.unopened
    /// What the driver watches for.
    var interest: Interest = []
    /// When the attempt to connect began.
    var opened: Int64 = 0

    /// Where in the tile the next byte to send and the next byte to receive stand.
    var sendPosition: Int
    var receivePosition: Int
    /// Bytes of the stream that the kernel took, and that came back.
    var sent = 0
    var received = 0
    /// Bytes of the newest request that the kernel has not taken yet.
    var unsent = 0
    /// Bytes of the oldest open request that have not come back yet; meaningless without one.
    var missing = 0

    /// A ring with a place for each request of the pipeline.
    let sendTimes: UnsafeMutablePointer<Int64>
    var oldest = 0
    var openRequests = 0

    init(number: Int, sendTimes: UnsafeMutablePointer<Int64>) {
        sendPosition = PayloadTile.start(ofConnection: number)
        receivePosition = sendPosition
        self.sendTimes = sendTimes
    }

    /// When the oldest and the newest open request were sent; meaningless without one.
    var oldestSent: Int64 { sendTimes[oldest] }
    func newestSent(_ pipeline: Int) -> Int64 {
        sendTimes[(oldest + openRequests - 1) % pipeline]
    }

    /// Adds requests that began to be sent at `time`.
    @inline(__always)
    mutating func begin(_ count: Int, at time: Int64, size: Int, pipeline: Int) {
        if openRequests == 0 { missing = size }
        var place = oldest + openRequests
        for _ in 0..<count {
            if place >= pipeline { place -= pipeline }
            sendTimes[place] = time
            place += 1
        }
        openRequests += count
    }

    /// Takes the oldest request out and says when it was sent.
    @inline(__always)
    mutating func takeOldest(size: Int, pipeline: Int) -> Int64 {
        let time = sendTimes[oldest]
        oldest = oldest + 1 == pipeline ? 0 : oldest + 1
        openRequests -= 1
        missing = size
        return time
    }
}
