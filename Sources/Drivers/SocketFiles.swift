import Syscalls

/// The file of a Unix listener: it is made by bind(2), outlives its socket, and is in the way of
/// the next one.
///
///     bind  ──"in use"──►  is it a socket? ──no──► in use: no file is ever replaced
///                                 │
///                          connect to it ──────► a socket listens: in use
///                                 │ refused
///                          the same file still? ─► remove it, and bind again
///
/// No lock is held meanwhile. Of two servers that start on one path at the same instant, the one
/// may take the other's file, which does not listen yet, for stale; and the server that a probe
/// finds alive sees a connection that closes at once.
package struct SocketFile: Sendable {
    /// Where it is.
    package let address: SocketAddress
    /// Which file it was when it was made.
    private let identity: FileIdentity

    /// Binds a socket to an address as `Sockets.bind` does, and replaces the file of a socket to
    /// which none listens any more. The file gets its mode and owner.
    ///
    /// - Returns: the file that was made; nil for an address without one.
    package static func bind(
        _ socket: RawDescriptor, to address: SocketAddress, access: SocketFileAccess?,
        over sockets: any Sockets
    ) throws(Errno) -> SocketFile? {
        do throws(Errno) {
            try sockets.bind(socket, to: address)
        } catch .addressInUse where isStale(address, over: sockets) {
            try sockets.removeFile(at: address)
            try sockets.bind(socket, to: address)
        }
        guard address.unixPath != nil else { return nil }
        let file = SocketFile(address: address, identity: try sockets.file(at: address))
        do throws(Errno) {
            if let access { try sockets.setFile(at: address, access) }
        } catch {
            file.remove(over: sockets)
            throw error
        }
        return file
    }

    /// Whether there is the file of a socket to which none listens.
    private static func isStale(_ address: SocketAddress, over sockets: any Sockets) -> Bool {
        guard let file = try? sockets.file(at: address), file.isSocket,
            let probe = try? sockets.open(for: address)
        else { return false }
        defer { sockets.close(probe) }
        do throws(Errno) {
            _ = try sockets.connect(probe, to: address)
            return false
        } catch {
            // Another process may have replaced it meanwhile.
            return error == .connectionRefused && (try? sockets.file(at: address)) == file
        }
    }

    /// Removes the file, unless another one is in its place.
    package func remove(over sockets: any Sockets) {
        guard (try? sockets.file(at: address)) == identity else { return }
        // One that cannot be removed is found stale by the next listener.
        try? sockets.removeFile(at: address)
    }
}
