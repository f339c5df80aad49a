/// What an event loop has done since it began: plain counters, for tests, benchmarks and operators.
public struct LoopStatistics: Sendable, Equatable {
    /// Passes of the loop.
    public var turns = 0
    /// Waits of the driver, each one system call.
    public var waits = 0
    /// Jobs run: a job is what a task does between two suspensions.
    public var jobs = 0
    /// Jobs that other threads handed to the loop.
    public var postedJobs = 0
    /// Connections that servers were given and serve on this loop.
    public var connections = 0
    /// Tasks parked on a descriptor.
    public var parks = 0
    /// Readiness that came for a descriptor with no task parked on it.
    public var spuriousWakes = 0
    /// Socket calls that had nothing to do.
    public var wouldBlocks = 0
    /// Interest given to the driver or taken back; with epoll, each one is a system call.
    public var interestChanges = 0
    /// Calls that received or tried to receive.
    public var receives = 0
    /// Calls that sent or tried to send.
    public var sends = 0
    /// Errors that no code handled.
    public var unhandledErrors = 0
    /// Bytes received by connections, datagram sockets and byte readers.
    public var bytesRead = 0
    /// Bytes that the kernel took from connections, datagram sockets and byte writers.
    public var bytesWritten = 0
    /// The longest time that the loop ran jobs without looking at its descriptors, in nanoseconds.
    public var longestTurn: Int64 = 0
    /// How long the loop ran jobs until it looked at its descriptors again, for each such stretch.
    public var turnLengths = LatencyHistogram()
    /// How long jobs that could run waited for the thread, each from the look at the descriptors
    /// before it could; empty until `EventLoop.measureDelays` is called.
    public var delays = LatencyHistogram()

    /// All zero.
    public init() {}
}
