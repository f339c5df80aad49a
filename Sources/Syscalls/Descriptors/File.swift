import Glibc

/// Whole files and streams, for commands: read in one go, replaced in one go.
package enum File {
    /// Descriptor 1.
    package static let standardOutput = RawDescriptor(STDOUT_FILENO)
    /// Descriptor 2.
    package static let standardError = RawDescriptor(STDERR_FILENO)

    /// Writes all of a text, and waits where the descriptor is not ready (write(2), poll(2)).
    package static func write(_ text: String, to descriptor: RawDescriptor) throws(Errno) {
        try write(Array(text.utf8), to: descriptor)
    }

    private static func write(_ bytes: [UInt8], to descriptor: RawDescriptor) throws(Errno) {
        var rest = bytes[...]
        while !rest.isEmpty {
            do throws(Errno) {
                rest = rest.dropFirst(try write(rest, to: descriptor))
            } catch .wouldBlock {
                var entry = pollfd(fd: descriptor.number, events: Int16(POLLOUT), revents: 0)
                _ = try retrying { poll(&entry, 1, -1) }
            }
        }
    }

    /// Writes what there is room for until the deadline, and takes it off the bytes (poll(2)).
    package static func write(
        _ bytes: inout ArraySlice<UInt8>, to descriptor: RawDescriptor, by deadline: Instant
    ) throws(Errno) {
        while !bytes.isEmpty {
            let milliseconds = CInt(
                clamping: max(0, Instant.now.nanoseconds(to: deadline)) / 1_000_000)
            var entry = pollfd(fd: descriptor.number, events: Int16(POLLOUT), revents: 0)
            guard try retrying({ poll(&entry, 1, milliseconds) }) > 0 else { return }
            do throws(Errno) {
                // No more than a pipe with room takes in one piece (pipe(7), `PIPE_BUF`).
                bytes = bytes.dropFirst(try write(bytes.prefix(4096), to: descriptor))
            } catch .wouldBlock {
                continue
            }
        }
    }

    private static func write(
        _ bytes: ArraySlice<UInt8>,
        to descriptor: RawDescriptor
    ) throws(Errno) -> Int {
        try retrying {
            bytes.withUnsafeBytes { Glibc.write(descriptor.number, $0.baseAddress, $0.count) }
        }
    }

    // Outputs. What is changed at a path is what the shell's `>` would change there.

    /// Writes a text to what is at a path, as the shell's `>` does.
    ///
    /// A regular file is replaced: readers see the old one or all of the new one, never a part
    /// (rename(2)); it keeps its mode, and a link to it stays a link. Where it cannot be replaced
    /// without changing more than its contents, it is written in place. What is no regular file (a
    /// pipe, a device, a descriptor by the name `/dev/stdout` or `/dev/fd/3`) is written to.
    package static func replace(_ path: String, with text: String) throws(Errno) {
        try replace(path, with: Array(text.utf8))
    }

    /// As above, by bytes.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(Errno) {
        if let descriptor = descriptor(named: path) { return try write(bytes, to: descriptor) }
        let place = try OutputPlace(path)
        // Where no draft can be made, as in a folder that is not ours, the file itself is written.
        guard place.mayBeReplaced, let draft = try? Draft(beside: place.path, mode: place.mode)
        else { return try writeInPlace(place.path, bytes) }
        do throws(Errno) {
            try write(bytes, to: draft.descriptor.raw)
        } catch {
            unlink(draft.path)
            throw error
        }
        if rename(draft.path, place.path) == 0 { return }
        // A file that something is mounted on cannot be renamed over.
        unlink(draft.path)
        try writeInPlace(place.path, bytes)
    }

    /// Finds out whether `replace` would be allowed to, and leaves nothing behind.
    package static func checkReplacing(_ path: String) throws(Errno) {
        if let descriptor = descriptor(named: path) {
            let flags = try retrying { fcntl(descriptor.number, F_GETFL) }
            if flags & O_ACCMODE == O_RDONLY { throw Errno(rawValue: EBADF) }
            return
        }
        let place = try OutputPlace(path)
        if place.isThere {
            _ = try retrying { faccessat(AT_FDCWD, place.path, W_OK, AT_EACCESS) }
        } else {
            unlink(try Draft(beside: place.path, mode: nil).path)
        }
    }

    /// Whether two paths are the same regular file, or would be.
    package static func isSame(_ path: String, as other: String) -> Bool {
        // What cannot be looked at is no file yet, and has no other name.
        guard let first = try? OutputPlace(path), let second = try? OutputPlace(other) else {
            return path == other
        }
        return first.identity != nil && first.identity == second.identity
    }

    /// Opens a file for what is added piece by piece, empty at first; what is no regular file is
    /// written to.
    package static func openEmptied(_ path: String) throws(Errno) -> Descriptor {
        if let descriptor = descriptor(named: path) {
            return Descriptor(adopting: try descriptor.duplicate())
        }
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY
        return Descriptor(adopting: RawDescriptor(try retrying { open(path, flags, 0o666) }))
    }

    private static func writeInPlace(_ path: String, _ bytes: [UInt8]) throws(Errno) {
        let descriptor = try openEmptied(path)
        try write(bytes, to: descriptor.raw)
    }

    /// The descriptor of ours that a path is a name of.
    private static func descriptor(named path: String) -> RawDescriptor? {
        switch path {
        case "/dev/stdout": return standardOutput
        case "/dev/stderr": return standardError
        default:
            for folder in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(folder) {
                return CInt(path.dropFirst(folder.count)).map { RawDescriptor($0) }
            }
            return nil
        }
    }

    /// What is at a path that is to be written, and where its links lead.
    private struct OutputPlace {
        let path: String
        /// Nil when nothing is there.
        private let status: stat?

        init(_ path: String) throws(Errno) {
            var (place, links) = (path, 0)
            var found = stat()
            while lstat(place, &found) == 0, found.st_mode & S_IFMT == S_IFLNK {
                links += 1
                guard links <= 40 else { throw Errno(rawValue: ELOOP) }
                place = try OutputPlace.target(ofLink: place)
            }
            self.path = place
            guard stat(place, &found) == 0 else {
                let error = Errno.current
                guard error.rawValue == ENOENT else { throw error }
                status = nil
                return
            }
            if found.st_mode & S_IFMT == S_IFDIR { throw Errno(rawValue: EISDIR) }
            status = found
        }

        var isThere: Bool { status != nil }
        /// The permissions of what is there.
        var mode: mode_t? { status.map { $0.st_mode & 0o7777 } }
        /// What tells files apart, whatever their names; nil of what is no regular file.
        var identity: String? {
            if let status {
                guard status.st_mode & S_IFMT == S_IFREG else { return nil }
                return "\(status.st_dev):\(status.st_ino)"
            }
            let start = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
            var folder = stat()
            guard stat(start == path.startIndex ? "." : String(path[..<start]), &folder) == 0
            else { return nil }
            return "\(folder.st_dev):\(folder.st_ino)/\(path[start...])"
        }

        /// Whether another file in its place has the same names and the same owner.
        var mayBeReplaced: Bool {
            guard let status else { return true }
            return status.st_mode & S_IFMT == S_IFREG && status.st_nlink == 1
                && status.st_uid == geteuid() && status.st_gid == getegid()
                && access(path, W_OK) == 0
        }

        private static func target(ofLink path: String) throws(Errno) -> String {
            var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
            let size = bytes.count
            let count = try retrying { readlink(path, &bytes, size) }
            let target = String(validating: bytes.prefix(count), as: UTF8.self)
            // Another name than the one that is meant must not be written.
            guard let target else { throw Errno(rawValue: EILSEQ) }
            if target.hasPrefix("/") { return target }
            let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
            return folder + target
        }
    }

    /// A new file with a name that no other has, in the folder of the one that it is to replace.
    private struct Draft: ~Copyable {
        let path: String
        let descriptor: Descriptor

        init(beside path: String, mode: mode_t?) throws(Errno) {
            let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
            var (draft, number) = ("", CInt(-1))
            while number < 0 {
                draft = folder + ".draft-" + String(UInt64.random(in: 0 ... .max), radix: 36)
                do throws(Errno) {
                    number = try retrying {
                        open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
                    }
                } catch {
                    if error.rawValue != EEXIST { throw error }
                }
            }
            self.path = draft
            descriptor = Descriptor(adopting: RawDescriptor(number))
            // Where it cannot be set, the file has the mode of a new one.
            if let mode { _ = fchmod(number, mode) }
        }
    }

    /// Whether there is a directory at a path (stat(2)).
    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Reads a small file, at most so many bytes of it, as UTF-8.
    package static func read(_ path: String, atMost limit: Int) throws(Errno) -> String {
        String(decoding: try readBytes(path, atMost: limit), as: UTF8.self)
    }

    /// Reads a file, at most so many bytes of it.
    package static func readBytes(_ path: String, atMost limit: Int) throws(Errno) -> [UInt8] {
        let descriptor = Descriptor(
            adopting: RawDescriptor(try retrying { open(path, O_RDONLY | O_CLOEXEC) })
        )
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < limit {
            let count = try retrying {
                chunk.withUnsafeMutableBytes {
                    Glibc.read(descriptor.raw.number, $0.baseAddress, $0.count)
                }
            }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return Array(bytes.prefix(limit))
    }
}
