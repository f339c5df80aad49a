import Drivers
import Syscalls

/// One connection of a worker, as plain memory: the worker's table holds them in a row.
///
///     stream     ····················|==============|~~~~~~~~~|
///                                    received       sent      end of the newest request
///     requests   [ - - o o o w w - ]   a ring: open ones, oldest at `oldest`, then waiting ones
///
/// A request is open from the moment that its first byte is handed to the kernel: until then, in an
/// open loop, it waits with its planned time. So at most one open request is partly sent.
struct Connection {
    enum State: UInt8 { case unopened, connecting, up, closing, closed }

    /// How it is read.
    enum Manner: UInt8 {
        /// As fast as bytes come.
        case promptly
        /// Slowly on purpose.
        case slowly
        /// A datagram at a time.
        case byDatagrams
    }

    /// The instants of a request, in nanoseconds.
    struct Request {
        /// When it was to be sent; in a closed loop, when it was.
        var planned: Int64
        /// When its first byte was handed to the kernel; meaningless while it waits.
        var sent: Int64
    }

    var descriptor = RawDescriptor(-1)
    var state = State.unopened
    /// What the driver watches for.
    var interest: Interest = []
    let manner: Manner

    // What every message needs stands together.

    /// Where in the tile the next byte to send and the next byte to receive stand.
    @Compact var sendPosition: Int
    @Compact var receivePosition: Int
    /// Bytes of the newest open request that the kernel has not taken yet.
    @Compact var unsent = 0
    /// Bytes of the oldest open request that have not come back yet; meaningless without one.
    @Compact var missing = 0
    @Compact var oldest = 0
    @Compact var openRequests = 0
    @Compact var waitingRequests = 0
    /// Requests that it may still take before it is to be closed.
    var quota = Int.max
    /// A ring with a place for each request that is open or waits, and how many places it has now;
    /// the table gives it more.
    private(set) var requests: UnsafeMutablePointer<Request>
    @Compact private(set) var capacity: Int
    /// Bytes of the stream that the kernel took, and that came back. Of datagrams, the number
    /// behind the newest one that came back, and 0 while none has.
    var sent = 0
    var received = 0
    /// The number of the next request to begin. Each connection starts with another one, so that
    /// they do not go through the sizes in step.
    var begun: Int
    /// Answers of the measured time.
    var answered = 0

    // What only its life needs.

    /// Whether it stands in the rotation, and the index of the one behind it.
    var isInRotation = false
    /// Whether it was up before, so that it is opened again.
    var wasUp = false
    /// Times in a row that it failed without a byte received.
    var failures: UInt8 = 0
    /// Of a slow reader: the part of the interest that its reading has, none until the next slice
    /// is due, and when the last one came.
    var reading = Interest.readable
    var lastSlice: Int64 = 0
    var behind: Int32 = -1
    /// When its state began: the attempt to connect, the connection, or the wait for its end.
    var since: Int64 = 0

    init(
        number: Int, requests: UnsafeMutablePointer<Request>, capacity: Int, manner: Manner
    ) {
        let start = PayloadTile.start(ofConnection: number)
        _sendPosition = Compact(wrappedValue: start)
        _receivePosition = Compact(wrappedValue: start)
        begun = number
        self.requests = requests
        _capacity = Compact(wrappedValue: capacity)
        self.manner = manner
    }

    /// Begins the stream of a connection that has just come up and may take so many requests.
    ///
    /// It goes on in the tile where the one before it ended, so that bytes of that one are noticed.
    mutating func renew(quota: Int) {
        receivePosition = sendPosition
        sent = 0
        received = 0
        unsent = 0
        reading = .readable
        // One that opened for its request has taken it already.
        self.quota = quota - waitingRequests
    }

    /// Whether it reads slowly on purpose.
    @inline(__always)
    var isSlow: Bool { manner == .slowly }

    /// The number of the oldest open request.
    var oldestNumber: Int { begun - openRequests }

    /// The place in the ring that is `count` after the oldest.
    @inline(__always)
    func place(_ count: Int) -> Int {
        let place = oldest + count
        return place >= capacity ? place - capacity : place
    }

    /// Moves the requests to a larger ring, and returns the one that it had.
    mutating func move(
        to ring: UnsafeMutablePointer<Request>, capacity: Int
    ) -> UnsafeMutablePointer<Request> {
        for count in 0..<openRequests + waitingRequests {
            (ring + count).initialize(to: requests[place(count)])
        }
        defer { (requests, self.capacity, oldest) = (ring, capacity, 0) }
        return requests
    }

    /// Adds a request that waits to be sent.
    @inline(__always)
    mutating func plan(at time: Int64) {
        requests[place(openRequests + waitingRequests)].planned = time
        waitingRequests += 1
        quota -= 1
    }

    /// Makes the next request an open one of `size` bytes: the first that waits, or in a closed
    /// loop, where none does, a new one. Returns its planned time.
    @inline(__always)
    mutating func begin(at time: Int64, size: Int) -> Int64 {
        if openRequests == 0 { missing = size }
        let request = requests + place(openRequests)
        if waitingRequests > 0 {
            waitingRequests -= 1
        } else {
            request.pointee.planned = time
            quota -= 1
        }
        request.pointee.sent = time
        openRequests += 1
        begun += 1
        return request.pointee.planned
    }

    /// Takes the oldest open request out.
    @inline(__always)
    mutating func takeOldest() -> Request {
        let request = requests[oldest]
        openRequests -= 1
        // Back at the start whenever it can be: then a long ring stays in the cache.
        oldest = openRequests + waitingRequests == 0 ? 0 : place(1)
        return request
    }

    /// Takes the request out that waits longest; returns its planned time.
    mutating func takeWaiting() -> Int64 {
        // Without an open request, the ring begins with those that wait.
        let planned = requests[place(openRequests)].planned
        oldest = place(1)
        waitingRequests -= 1
        return planned
    }
}

/// A whole number that is kept in four bytes: what a connection remembers should fit two lines of
/// the cache. A request has 16 MiB at most, and a connection 65,536 of them, so all fit; to make
/// sure of that at each change costs thirty instructions a message.
@propertyWrapper struct Compact {
    private var stored: Int32

    @inline(__always)
    init(wrappedValue: Int) { stored = Int32(truncatingIfNeeded: wrappedValue) }

    var wrappedValue: Int {
        @inline(__always) get { Int(stored) }
        @inline(__always) set { stored = Int32(truncatingIfNeeded: newValue) }
    }
}
