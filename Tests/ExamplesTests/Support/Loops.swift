import Swiftlet
import Syscalls

/// Runs `body` on a loop that has a thread of its own, and waits for it without blocking one of
/// Swift's few.
@discardableResult
func onLoop<Value: Sendable>(
    _ kind: DriverKind = .poll, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        do {
            let thread = try RunningThread.start {
                continuation.resume(with: Result { try EventLoop.run(driver: kind, body) })
            }
            thread.detach()
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// Serves on a free port of this machine while `body` talks to it, and stops.
func serving<Value: Sendable>(
    with handler: @escaping StreamServer.ConnectionHandler,
    _ body: @escaping @Sendable (SocketAddress) async throws -> Value
) async throws -> Value {
    try await onLoop {
        let server = StreamServer(listener: try await Listener.bind(to: "127.0.0.1:0"))
        async let serving: Void = server.serve(handler: handler)
        let value = try await body(server.address)
        server.stop()
        try await serving
        return value
    }
}
