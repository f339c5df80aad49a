import Syscalls

// Listening on an address or a name that is given as text.
extension Listener {
    /// Binds a listener to an address, "127.0.0.1:0" or "unix:/run/app.sock", or to a host of this
    /// machine by its name, "localhost:80" or "example.org:80".
    ///
    /// A name is looked up by the task's `Resolver`; of its addresses the first that can be bound
    /// is it.
    ///
    /// - Returns: the listener, whose `address` has the port that the kernel chose.
    /// - Throws: `SocketAddress.ParseError` for a text that is neither, and `IOError` as the same
    ///   call with a `SocketAddress`. Where a name was looked up, that is of `resolve`, with
    ///   `.name`, or the first address's, with the `attempts` that were made with each.
    public static func bind(
        to address: String, as type: ConnectionType = .stream, backlog: Int = 1024,
        reusePort: Bool = false, options: [SocketOption: Int] = [:],
        access: SocketFileAccess? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws -> Listener {
        try await Resolving.first(of: address, .bind, in: Call(file, line)) {
            address throws(IOError) in
            try await bind(
                to: address, as: type, backlog: backlog, reusePort: reusePort, options: options,
                access: access)
        }
    }

    /// Binds a listener on each loop to an address or a name that is given as text: "127.0.0.1:0".
    ///
    /// - Returns: the listeners, in the order of `EventLoop.all`.
    /// - Throws: as `bind(to:backlog:reusePort:options:access:file:line:)`.
    public static func bindOnEachLoop(
        to address: String, backlog: Int = 1024,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws -> [Listener] {
        try await Resolving.first(of: address, .bind, in: Call(file, line)) {
            address throws(IOError) in
            try await bindOnEachLoop(to: address, backlog: backlog)
        }
    }
}
