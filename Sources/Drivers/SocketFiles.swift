import Syscalls

/// The file of a Unix listener: it is made by bind(2), outlives its socket, and is in the way of
/// the next one.
///
///     bind  ──"in use"──►  is it a socket's? ──no──► in use: no other file is ever replaced
///                                 │
///                    is a socket bound to it? ──yes──► in use
///                                 │ none
///                           remove it, and bind again
///
/// Of several servers that start on one path at the same instant one gets it. A file to which a
/// socket is bound is not stale, whether the socket listens by now or not. And of those that find
/// the same stale file, one removes it: while it looks again, removes and binds, it holds an
/// abstract name that is made of the file's number. A lock file would be left behind by a process
/// that is killed; a name goes with its socket, and needs no permission. It is the machine's: two
/// servers that share the file and not the network namespace do not see each other's.
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
        } catch .addressInUse where address.unixPath != nil {
            try replace(address, by: socket, over: sockets)
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

    /// Binds a socket to a path where there is a file, if that is of a socket which is no more.
    private static func replace(
        _ address: SocketAddress, by socket: RawDescriptor, over sockets: any Sockets
    ) throws(Errno) {
        // Whatever cannot be found out about the file, it is not ours to remove.
        guard let file = try? sockets.file(at: address), file.isSocket,
            let lock = try? sockets.open(for: address)
        else { throw .addressInUse }
        defer { sockets.close(lock) }
        let name = Array("swiftlet-replaces-\(file.device)-\(file.inode)".utf8)
        // What has the name may remove the file, if that is not another one by now, or gone.
        guard (try? sockets.bind(lock, to: SocketAddress(unixName: [0] + name))) != nil,
            (try? sockets.file(at: address)) == file, (try? sockets.hasSocket(at: address)) == false
        else { throw .addressInUse }
        try sockets.removeFile(at: address)
        try sockets.bind(socket, to: address)
    }

    /// Removes the file, unless another one is in its place.
    package func remove(over sockets: any Sockets) {
        guard (try? sockets.file(at: address)) == identity else { return }
        // One that cannot be removed is found stale by the next listener.
        try? sockets.removeFile(at: address)
    }
}
