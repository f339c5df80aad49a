import Glibc
import Swiftlet

/// The files of one user, side by side: names, and no paths.
///
/// What a client calls a file never becomes a path, so there is nothing in it that leads out.
protocol Folder: Sendable {
    /// The names of all files with their sizes in bytes, in any order.
    func sizes() async throws -> [String: Int]
    /// Bytes from a place on; fewer only where the file ends.
    func read(_ name: String, at place: Int, atMost count: Int) async throws -> [UInt8]
    /// Writes bytes to a place of a file, which is made when it is not there.
    func write(_ bytes: [UInt8], to name: String, at place: Int) async throws
    /// Gives a file another name, in one step, when all of it is safe on the disk.
    func rename(_ name: String, to other: String) async throws
    func remove(_ name: String) async throws
}

/// Whether a file may be called so: letters and digits of any script, and a few signs.
///
/// No list of what is dangerous is complete: `..`, `/` and NUL, line feeds and the escapes of
/// terminals, a `-` in front that is an option for a program, signs that look like a slash, letters
/// that are composed of two and read like one, and text that runs backwards. Those that begin with
/// a point are the server's own.
func isFileName(_ name: String) -> Bool {
    guard (1...200).contains(name.utf8.count), let first = name.unicodeScalars.first,
        !" .-".unicodeScalars.contains(first)
    else { return false }
    // Two names that Swift takes for one text would be one file here and two on the disk.
    guard name.count == name.unicodeScalars.count,
        !name.unicodeScalars.contains(where: \.properties.isFullCompositionExclusion)
    else { return false }
    return name.unicodeScalars.allSatisfy { scalar in
        switch scalar.properties.generalCategory {
        case .lowercaseLetter, .uppercaseLetter, .otherLetter, .decimalNumber: true
        default: " ._-+,=@()".unicodeScalars.contains(scalar)
        }
    }
}

/// A folder on a disk. Links are not followed, in it and to it: who can put one there decides what
/// is behind it.
///
/// The calls are those of the system, on threads, as a disk says to no driver when it is ready.
struct DiskFolder: Folder {
    let path: String

    /// A folder that is made when it is not there.
    static func make(at path: String) async throws -> DiskFolder {
        try await offload {
            if mkdir(path, 0o700) != 0, Errno.current.rawValue != EEXIST { throw refusal(path) }
        }
        return DiskFolder(path: path)
    }

    func sizes() async throws -> [String: Int] {
        try await inFolder { folder in
            // It closes its descriptor.
            guard let entries = fdopendir(dup(folder)) else { throw refusal(path) }
            defer { closedir(entries) }
            rewinddir(entries)
            var sizes: [String: Int] = [:]
            while let entry = readdir(entries) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                var status = stat()
                guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
                    status.st_mode & S_IFMT == S_IFREG
                else { continue }
                sizes[name] = Int(status.st_size)
            }
            return sizes
        }
    }

    func read(_ name: String, at place: Int, atMost count: Int) async throws -> [UInt8] {
        try await inFile(name, O_RDONLY) { file in
            var bytes = [UInt8](repeating: 0, count: count)
            var filled = 0
            while filled < count {
                let got = bytes.withUnsafeMutableBytes {
                    pread(file, $0.baseAddress.map { $0 + filled }, count - filled, place + filled)
                }
                guard got >= 0 else { throw refusal(name) }
                if got == 0 { break }
                filled += got
            }
            return Array(bytes[..<filled])
        }
    }

    func write(_ bytes: [UInt8], to name: String, at place: Int) async throws {
        try await inFile(name, O_WRONLY | O_CREAT) { file in
            var done = 0
            while done < bytes.count {
                let put = bytes.withUnsafeBytes {
                    pwrite(file, $0.baseAddress.map { $0 + done }, bytes.count - done, place + done)
                }
                guard put >= 0 else { throw refusal(name) }
                done += put
            }
        }
    }

    func rename(_ name: String, to other: String) async throws {
        // Without this, a power cut leaves the new name with the bytes of none.
        try await inFile(name, O_RDONLY) { if fsync($0) != 0 { throw refusal(name) } }
        try await inFolder { folder in
            guard renameat(folder, name, folder, other) == 0, fsync(folder) == 0 else {
                throw refusal(other)
            }
        }
    }

    func remove(_ name: String) async throws {
        try await inFolder { if unlinkat($0, name, 0) != 0 { throw refusal(name) } }
    }

    private func inFolder<Value: Sendable>(
        _ body: @escaping @Sendable (CInt) throws -> Value
    ) async throws -> Value {
        try await offload {
            let folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard folder >= 0 else { throw refusal(path) }
            defer { close(folder) }
            return try body(folder)
        }
    }

    /// Opens what must be a file: a pipe would hold the thread, so it may not wait.
    private func inFile<Value: Sendable>(
        _ name: String, _ flags: CInt, _ body: @escaping @Sendable (CInt) throws -> Value
    ) async throws -> Value {
        try await inFolder { folder in
            let file = openat(folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw refusal(name) }
            defer { close(file) }
            var status = stat()
            guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw Failure(.noInput, "\(name): not a file")
            }
            return try body(file)
        }
    }
}

/// What the system has just refused on a file.
private func refusal(_ name: String) -> Failure {
    let errno = Errno.current
    let code: Failure.Code = errno == .noEntry ? .noInput : .io
    return Failure(code, "\(name): \(errno)")
}
