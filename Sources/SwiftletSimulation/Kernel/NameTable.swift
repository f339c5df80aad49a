import Glibc
import Syscalls

/// The names of a host's Unix sockets (unix(7)).
///
///     files     /run/app.sock → inode 7, socket 4     a file outlives its socket, and a crash
///     abstract  name → socket 5                       goes with its socket
///
/// Names are what the kernel has: bytes, and a zero before an abstract one.
struct NameTable {
    private struct File {
        let inode: Int
        /// The socket that is bound to it, for as long as it is open.
        var socket: RawDescriptor?
    }

    // Neither is ever walked, because their order is another one in each process.
    private var files: [[UInt8]: File] = [:]
    private var abstract: [[UInt8]: RawDescriptor] = [:]
    private var inodes = 0
    private var names = 0

    /// Takes a name for a socket, and says which; no name takes a free abstract one.
    mutating func bind(_ socket: RawDescriptor, to name: [UInt8]) throws(Errno) -> [UInt8] {
        guard let first = name.first else { return bindToFreeName(socket) }
        if first == 0 {
            guard abstract[name] == nil else { throw .addressInUse }
            abstract[name] = socket
        } else {
            guard files[name] == nil else { throw .addressInUse }
            inodes += 1
            files[name] = File(inode: inodes, socket: socket)
        }
        return name
    }

    /// A free name is five hexadecimal digits, as in Linux.
    private mutating func bindToFreeName(_ socket: RawDescriptor) -> [UInt8] {
        while true {
            names += 1
            let digits = String(names, radix: 16)
            let name = [0] + Array((String(repeating: "0", count: 5 - digits.count) + digits).utf8)
            guard abstract[name] == nil else { continue }
            abstract[name] = socket
            return name
        }
    }

    /// Gives up the name of a socket that is closed; its file stays.
    mutating func unbind(_ socket: RawDescriptor, from name: [UInt8]) {
        if abstract[name] == socket { abstract[name] = nil }
        if files[name]?.socket == socket { files[name]?.socket = nil }
    }

    /// Forgets all sockets; the files stay.
    mutating func crash() {
        abstract = [:]
        files = files.mapValues { File(inode: $0.inode, socket: nil) }
    }

    /// The socket that has a name; nil when its file is all that is left of it. `ENOENT` where
    /// there is no file.
    func socket(named name: [UInt8]) throws(Errno) -> RawDescriptor? {
        guard let first = name.first else { throw .invalidArgument }
        if first == 0 { return abstract[name] }
        guard let file = files[name] else { throw .noEntry }
        return file.socket
    }

    /// Which file an address names (lstat(2)).
    func file(at address: SocketAddress) throws(Errno) -> FileIdentity {
        guard let file = files[try path(of: address)] else { throw .noEntry }
        return FileIdentity(device: 1, inode: file.inode, isSocket: true)
    }

    /// Removes a file; the socket goes on, and no other can connect to it.
    mutating func remove(at address: SocketAddress) throws(Errno) {
        guard files.removeValue(forKey: try path(of: address)) != nil else { throw .noEntry }
    }

    private func path(of address: SocketAddress) throws(Errno) -> [UInt8] {
        guard let name = address.unixName, let first = name.first, first != 0 else {
            throw .invalidArgument
        }
        return name
    }
}
