import Syscalls

// Connecting to an address or a name that is given as text.
extension Connection {
    /// Connects to what a text names, lends the connection to `body`, and closes it when `body`
    /// ends, however it ends.
    ///
    /// - Returns: what `body` returns.
    /// - Throws: what the same call without a body and `body` throw.
    public static func connect<Value>(
        to address: String, as type: ConnectionType = .stream,
        from local: SocketAddress? = nil, options: [SocketOption: Int] = [:],
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line,
        _ body: (Connection) async throws -> Value
    ) async throws -> Value {
        let connection = try await connect(
            to: address, as: type, from: local, options: options, timeout: timeout, file: file,
            line: line)
        defer { connection.close() }
        return try await body(connection)
    }

    /// Connects to an address, "127.0.0.1:80" or "unix:/run/app.sock", or to a host by its name,
    /// "example.org:80", within `timeout`.
    ///
    /// A name is looked up by the task's `Resolver`, off the loop. Its addresses are tried one
    /// after the other, 250 ms apart, families by turns, and the first that answers is it
    /// (RFC 8305); at most 16 attempts are open at a time, each for 10 s at most where there are
    /// more addresses. Each has the options and the local address, if one is given; one of another
    /// family than that fails at once.
    ///
    /// - Returns: the connection, which closes when its last copy goes.
    /// - Throws: `SocketAddress.ParseError` for a text that is neither, and `IOError` as the same
    ///   call with a `SocketAddress`. Where a name was looked up, that is of `resolve`, with
    ///   `.name`, or of `connect`, with the `attempts` that were made with each address.
    public static func connect(
        to address: String, as type: ConnectionType = .stream,
        from local: SocketAddress? = nil, options: [SocketOption: Int] = [:],
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws -> Connection {
        switch try SocketTarget(address) {
        case .address(let address):
            return try await connect(
                to: address, as: type, from: local, options: options, timeout: timeout,
                file: file, line: line)
        case .name(let host, let port):
            let loop = try EventLoop.require(.connect).executor
            let call = Call(file, line)
            return try await loop.perform { () async throws(IOError) in
                let deadline = loop.deadline(after: timeout)
                let addresses = try await Resolving.addresses(
                    of: host, port: port, until: deadline, on: loop, in: call)
                return try await HappyEyeballs(
                    loop: loop, name: address, type: type,
                    beginning: Beginning(local: local, options: options), deadline: deadline,
                    call: call
                ).connect(to: addresses)
            }
        }
    }
}
