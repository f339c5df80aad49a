import Syscalls

// Addresses and names that are given as text.
extension DatagramSocket {
    /// Opens a socket with an address of its own: "127.0.0.1:0", "unix:/run/app.sock", or a host of
    /// this machine by its name, "localhost:53", of whose addresses the first that can be bound is
    /// it.
    ///
    /// - Returns: the socket.
    /// - Throws: `SocketAddress.ParseError` for a text that is neither, and `IOError` as the same
    ///   call with a `SocketAddress`; where a name was looked up, that is of `resolve`, with
    ///   `.name`, or the first address's, with the `attempts` that were made with each.
    public static func bind(
        to address: String, kind: DatagramKind = .datagram, options: [SocketOption: Int] = [:],
        tellsLocalAddress: Bool = false, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws -> DatagramSocket {
        try await Resolving.first(of: address, .bind, in: Call(file, line)) {
            address throws(IOError) in
            try await bind(
                to: address, kind: kind, options: options, tellsLocalAddress: tellsLocalAddress,
                file: file, line: line)
        }
    }

    /// Opens a socket that sends to one peer and receives from it alone: "127.0.0.1:53",
    /// "unix:/run/app.sock", or a host by its name, "example.org:53", of whose addresses the first
    /// that a way leads to is it.
    ///
    /// - Returns: the socket.
    /// - Throws: as `bind` with a text.
    public static func connect(
        to address: String, kind: DatagramKind = .datagram, options: [SocketOption: Int] = [:],
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws -> DatagramSocket {
        try await Resolving.first(of: address, .connect, in: Call(file, line)) {
            address throws(IOError) in
            try await connect(
                to: address, kind: kind, options: options, file: file, line: line)
        }
    }
}
