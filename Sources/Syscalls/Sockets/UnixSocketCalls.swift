import CLinux
import Glibc

// What only Unix sockets have (unix(7)): a file that names one, pairs, and credentials.

/// The process at the other end of a Unix socket, as it was when it connected or listened
/// (`SO_PEERCRED`, unix(7)).
public struct PeerCredentials: Hashable, Sendable {
    /// Its process number; 0 when it is outside of this process's namespace.
    public let processID: Int
    /// The user that it ran as.
    public let userID: Int
    /// The group that it ran as.
    public let groupID: Int

    /// Credentials from their numbers.
    public init(processID: Int, userID: Int, groupID: Int) {
        self.processID = processID
        self.userID = userID
        self.groupID = groupID
    }
}

/// Which processes may connect to a listener on a Unix path: mode and owner of its file (chmod(2),
/// chown(2)). To connect, a process needs the permission to write.
///
/// They are set before the socket listens, so no process connects by others.
public struct SocketFileAccess: Hashable, Sendable {
    /// The permission bits, such as 0o660; nil leaves what the umask of the process makes of 0o777.
    public var mode: Int?
    /// The number of the user that owns the file; nil leaves the user of the process.
    public var userID: Int?
    /// The number of the group that owns the file; nil leaves the group of the process.
    public var groupID: Int?

    /// Mode and owner of a socket's file; what is nil stays as bind(2) makes it.
    public init(mode: Int? = nil, userID: Int? = nil, groupID: Int? = nil) {
        self.mode = mode
        self.userID = userID
        self.groupID = groupID
    }
}

/// Which file a path names (lstat(2)).
package struct FileIdentity: Hashable, Sendable {
    package let device: Int
    package let inode: Int
    /// Whether it is a Unix socket, and not a link to one.
    package let isSocket: Bool

    package init(device: Int, inode: Int, isSocket: Bool) {
        self.device = device
        self.inode = inode
        self.isSocket = isSocket
    }
}

extension RawDescriptor {
    /// Two connected sockets, non-blocking (socketpair(2)).
    package static func socketPair(
        _ type: ConnectionType = .stream
    ) throws(Errno) -> (RawDescriptor, RawDescriptor) {
        var ends: (CInt, CInt) = (-1, -1)
        _ = try retrying {
            withUnsafeMutableBytes(of: &ends) {
                socketpair(
                    AF_UNIX, type.code, 0, $0.assumingMemoryBound(to: CInt.self).baseAddress)
            }
        }
        return (RawDescriptor(ends.0), RawDescriptor(ends.1))
    }

    /// The process at the other end (getsockopt(2), `SO_PEERCRED`); `ENOTCONN` when there is none.
    package func peerCredentials() throws(Errno) -> PeerCredentials {
        // struct ucred: pid_t, uid_t, gid_t.
        var value: (pid_t, uid_t, gid_t) = (0, .max, .max)
        var length = socklen_t(MemoryLayout.size(ofValue: value))
        _ = try retrying { getsockopt(number, SOL_SOCKET, SO_PEERCRED, &value, &length) }
        // What Linux tells of a socket without a peer, and of one that is no Unix socket.
        guard value.1 != .max else { throw .notConnected }
        return PeerCredentials(
            processID: Int(value.0), userID: Int(value.1), groupID: Int(value.2))
    }
}

extension SocketAddress {
    /// Says which file the path names (lstat(2)).
    package func file() throws(Errno) -> FileIdentity {
        var status = stat()
        let path = try requirePath()
        _ = try retrying { lstat(path, &status) }
        return FileIdentity(
            device: Int(truncatingIfNeeded: status.st_dev),
            inode: Int(truncatingIfNeeded: status.st_ino),
            isSocket: status.st_mode & S_IFMT == S_IFSOCK)
    }

    /// Whether a socket is bound to the path, which it need not listen on; nothing tells that
    /// socket of the question.
    ///
    /// connect(2) says so to a datagram socket: a file that no socket has refuses, and the sockets
    /// of connections are of another type.
    package func hasSocket() throws(Errno) -> Bool {
        let type = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let asking = Descriptor(
            adopting: RawDescriptor(try retrying { Glibc.socket(AF_UNIX, type, 0) }))
        do throws(Errno) {
            return try asking.raw.connect(to: self)
        } catch .connectionRefused {
            return false
        } catch  where error.rawValue == EPROTOTYPE {
            return true
        }
    }

    /// Removes the path from its directory (unlink(2)).
    package func removeFile() throws(Errno) {
        let path = try requirePath()
        _ = try retrying { unlink(path) }
    }

    /// Gives the file at the path a mode and an owner (chmod(2), lchown(2)); a number that is no
    /// user's or group's is `EINVAL`.
    package func setFile(_ access: SocketFileAccess) throws(Errno) {
        let path = try requirePath()
        if access.userID != nil || access.groupID != nil {
            // The highest number leaves what there is, to the kernel; here nil does.
            guard let user = access.userID.map({ uid_t(exactly: $0) }) ?? .max,
                let group = access.groupID.map({ gid_t(exactly: $0) }) ?? .max
            else { throw .invalidArgument }
            _ = try retrying { lchown(path, user, group) }
        }
        // Last: to change the owner may clear bits of the mode.
        if let mode = access.mode {
            _ = try retrying { chmod(path, mode_t(truncatingIfNeeded: mode)) }
        }
    }

    /// The path as the file system has it: bytes, and a zero.
    private func requirePath() throws(Errno) -> [CChar] {
        guard let name = unixName, let first = name.first, first != 0 else {
            throw .invalidArgument
        }
        return name.map { CChar(bitPattern: $0) } + [0]
    }
}
