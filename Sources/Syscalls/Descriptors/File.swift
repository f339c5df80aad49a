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

    private static func write(
        _ bytes: ArraySlice<UInt8>,
        to descriptor: RawDescriptor
    ) throws(Errno) -> Int {
        try retrying {
            bytes.withUnsafeBytes { Glibc.write(descriptor.number, $0.baseAddress, $0.count) }
        }
    }

    /// Replaces a file by a text: readers see the old one or all of the new one, never a part
    /// (rename(2)).
    package static func replace(_ path: String, with text: String) throws(Errno) {
        try replace(path, with: Array(text.utf8))
    }

    /// As above, by bytes.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(Errno) {
        let draft = path + ".tmp"
        do throws(Errno) {
            let descriptor = try create(draft)
            try write(bytes, to: descriptor.raw)
        } catch {
            unlink(draft)
            throw error
        }
        _ = try retrying { rename(draft, path) }
    }

    /// Finds out whether `replace` would be allowed to, and leaves nothing behind.
    package static func checkReplacing(_ path: String) throws(Errno) {
        if isDirectory(path) { throw Errno(rawValue: EISDIR) }
        let draft = path + ".tmp"
        _ = try create(draft)
        unlink(draft)
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

    private static func create(_ path: String) throws(Errno) -> Descriptor {
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
        return Descriptor(adopting: RawDescriptor(try retrying { open(path, flags, 0o644) }))
    }
}
