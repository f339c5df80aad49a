import Syscalls

@testable import Swiftlet

// What tests do with connections over and over again.

/// Lets other tasks of the calling loop run until so many are parked on descriptors.
func untilParked(_ count: Int) async {
    while let loop = EventLoop.current, loop.executor.state.lot.count < count { await Task.yield() }
}

/// The counters of the calling loop, without leaving it.
func loopStatistics() -> LoopStatistics {
    EventLoop.current?.executor.state.statistics ?? LoopStatistics()
}

/// The clock of the calling loop.
func loopNow() -> Instant { EventLoop.current?.executor.now ?? .never }

/// Everything that comes until the end of the stream.
func readAll(_ connection: Connection) async throws -> [UInt8] {
    var all: [UInt8] = []
    while let bytes = try await connection.read() { all += Array(bytes) }
    return all
}

extension Connection {
    /// Reads into memory of the caller's; nil at the end of the stream.
    nonisolated(nonsending) func readPiece(ofAtMost count: Int) async throws(IOError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        var memory = span.mutableBytes
        let received = try await read(into: &memory)
        return received.map { Array(bytes[..<$0]) }
    }
}

/// Which of the loops that run together the calling task is on: 0 for the first.
///
/// Nil when the thread is not that of the loop which the task believes to be on.
func loopPlace() -> Int? {
    guard let loop = EventLoop.current?.executor, loop.isCurrent else { return nil }
    return EventLoop.all.firstIndex { $0.executor === loop }
}

/// Says on which loop it runs, and then echoes.
func tellPlace(_ connection: Connection) async throws {
    try await connection.write("\(loopPlace() ?? -1)\n")
    try await echoBack(connection)
}

/// What `tellPlace` says.
func place(of connection: Connection) async throws -> Int? {
    try await connection.readLine().flatMap { Int($0) }
}

/// Echoes until the end of the stream.
func echoBack(_ connection: Connection) async throws {
    while let bytes = try await connection.read() { try await connection.write(bytes) }
}

/// Bytes in which every position can be told from those nearby.
///
/// They repeat after a prime number, so that no buffer's length hides a mistake.
func pattern(_ count: Int, seed: Int = 0) -> [UInt8] {
    var bytes = Array(patterns[seed & 0xFF].prefix(count))
    while bytes.count < count { bytes += bytes.prefix(count - bytes.count) }
    return bytes
}

/// The pattern of each seed, before it repeats itself: made once, since every conversation has one.
private let patterns: [[UInt8]] = (0..<256).map { seed in
    (0..<4093).map { UInt8(truncatingIfNeeded: ($0 ^ $0 >> 8) &+ seed) }
}

/// Serves on the calling loop while `body` runs, stops, and returns the server when it has ended.
///
/// It listens on an address of its own choice unless it is given one.
@discardableResult
func withServer(
    on address: SocketAddress? = nil,
    options: StreamServer.Options = StreamServer.Options(),
    handler: @escaping StreamServer.ConnectionHandler,
    _ body: (StreamServer) async throws -> Void
) async throws -> StreamServer {
    let listener = try await Listener.bind(
        to: address ?? anyPort(), backlog: options.backlog)
    let server = StreamServer(listener: listener, options: options)
    let serving = try spawn { try await server.serve(handler: handler) }
    try await body(server)
    server.stop()
    try await serving.value
    return server
}
