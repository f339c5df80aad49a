import CLinux
import Glibc

/// A file descriptor's number, borrowed: naming one does not keep it open.
public struct RawDescriptor: Hashable, Sendable, CustomStringConvertible {
    /// What the kernel calls it: a small index into the process's table of open files.
    public let number: CInt

    /// Names a descriptor by its number.
    @inlinable
    public init(_ number: CInt) { self.number = number }

    /// Reads "descriptor 7".
    public var description: String { "descriptor \(number)" }

    /// The number as an index into the tables that are kept by descriptor.
    @inlinable public var index: Int { Int(number) }

    /// Closes the descriptor (close(2)).
    ///
    /// Never repeated: on Linux the number is free even after `EINTR`, and a second call could
    /// close what another thread has just opened. Errors are left alone for the same reason.
    package func close() { _ = Glibc.close(number) }

    /// Whether the number names an open file (fcntl(2), `F_GETFD`).
    package var isOpen: Bool { fcntl(number, F_GETFD) != -1 }

    /// Whether calls on it do not wait (fcntl(2), `O_NONBLOCK`).
    package var isNonBlocking: Bool { fcntl(number, F_GETFL) & O_NONBLOCK != 0 }

    /// Makes calls on it wait (fcntl(2), without `O_NONBLOCK`).
    package func setBlocking() throws(Errno) {
        let flags = try retrying { fcntl(number, F_GETFL) }
        _ = try retrying { fcntl(number, F_SETFL, flags & ~O_NONBLOCK) }
    }

    /// Reads what is there, at most `buffer.count` bytes; 0 is the end (read(2)).
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        try retrying { Glibc.read(number, buffer.baseAddress, buffer.count) }
    }

    /// Appends what can be read without waiting; returns whether more may come.
    package func readAvailable(into bytes: inout [UInt8]) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            while true {
                do throws(Errno) {
                    let count = try read(into: buffer)
                    if count == 0 { return false }
                    bytes.append(contentsOf: buffer[..<count])
                } catch {
                    return error == .wouldBlock
                }
            }
        }
    }

    /// Writes some of `buffer` and says how much (write(2)).
    package func write(_ buffer: UnsafeRawBufferPointer) throws(Errno) -> Int {
        try retrying { Glibc.write(number, buffer.baseAddress, buffer.count) }
    }

    /// A number more for the same open file, closed on exec (fcntl(2), `F_DUPFD_CLOEXEC`).
    package func duplicate() throws(Errno) -> RawDescriptor {
        RawDescriptor(try retrying { fcntl(number, F_DUPFD_CLOEXEC, 0) })
    }

    /// Writes all of it, and waits where it must.
    package func writeAll(_ bytes: [UInt8]) throws(Errno) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { bytes in
                Result { () throws(Errno) in try write(bytes) }
            }
            rest = rest.dropFirst(try count.get())
        }
    }

    /// Reads from a place of a file on, fewer than `count` bytes only where it ends (pread(2)).
    ///
    /// It takes memory for what is there, however much is asked for. Only reading tells how much
    /// that is: files such as those of proc(5) have no size.
    package func read(at offset: Int, atMost count: Int) throws(Errno) -> [UInt8] {
        if offset < 0 { throw .invalidArgument }
        let most = min(count, .max - offset)
        var (bytes, done) = ([UInt8](), 0)
        while done < most {
            let room = min(most, max(65_536, 2 * done))
            bytes += repeatElement(0, count: room - bytes.count)
            while done < room {
                let (start, place) = (done, offset + done)
                let read = try retrying {
                    bytes.withUnsafeMutableBytes {
                        let rest = UnsafeMutableRawBufferPointer(rebasing: $0[start...])
                        return pread(number, rest.baseAddress, rest.count, place)
                    }
                }
                if read == 0 { return Array(bytes.prefix(done)) }
                done += read
            }
        }
        return bytes
    }

    /// Writes all bytes from a place of a file on (pwrite(2)).
    package func write(_ bytes: [UInt8], at offset: Int) throws(Errno) {
        var done = 0
        while done < bytes.count {
            let count = try retrying {
                bytes[done...].withUnsafeBytes {
                    pwrite(number, $0.baseAddress, $0.count, offset + done)
                }
            }
            done += count
        }
    }

    /// How many bytes a file has (fstat(2)).
    package func fileSize() throws(Errno) -> Int {
        var status = stat()
        _ = try retrying { fstat(number, &status) }
        return status.st_size
    }

    /// As `write`; a pipe that nothing reads any more is an error and no signal, whatever this
    /// process does about `SIGPIPE` (pthread_sigmask(3)).
    package func writeWithoutSignal(_ buffer: UnsafeRawBufferPointer) throws(Errno) -> Int {
        var (pipes, before) = (SignalSet([SIGPIPE]).signals, sigset_t())
        pthread_sigmask(SIG_BLOCK, &pipes, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        do throws(Errno) {
            return try write(buffer)
        } catch {
            if error == .brokenPipe, sigismember(&before, SIGPIPE) == 0 {
                // It is this thread's, which made the call.
                _ = SignalSet([SIGPIPE]).wait(nanoseconds: 0)
            }
            throw error
        }
    }

    /// The pipe or terminal that it stands for, opened once more so that calls do not wait
    /// (proc(5)); nil for what is none, or cannot be opened so.
    ///
    /// The flag belongs to the open file, which other processes share, and must not be set on
    /// theirs. Another device may be another one each time that it is opened: the user's end of a
    /// terminal, which has a number (ioctl_tty(2), `TIOCGPTN`), is a new terminal then.
    package func openedAnew(_ access: CInt) -> RawDescriptor? {
        var (status, terminal) = (stat(), CInt())
        guard fstat(number, &status) == 0 else { return nil }
        let isPipe = status.st_mode & S_IFMT == S_IFIFO
        guard isPipe || isatty(number) == 1 && ioctl(number, 0x8004_5430, &terminal) != 0
        else { return nil }
        let own = open(
            "/proc/self/fd/\(number)", access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        return own < 0 ? nil : RawDescriptor(own)
    }

    /// Throws for what is neither a regular file nor a block device, whose bytes have places
    /// (fstat(2)): "Is a directory", "Illegal seek".
    package func checkPlaces() throws(Errno) {
        var status = stat()
        _ = try retrying { fstat(number, &status) }
        switch status.st_mode & S_IFMT {
        case S_IFREG, S_IFBLK: break
        case S_IFDIR: throw Errno(rawValue: EISDIR)
        default: throw Errno(rawValue: ESPIPE)
        }
    }

    /// Whether it is a file or a directory: what is ready at all times, and makes calls wait all
    /// the same.
    package var isOnDisk: Bool {
        var status = stat()
        return fstat(number, &status) == 0
            && [S_IFREG, S_IFDIR, S_IFBLK].contains(status.st_mode & S_IFMT)
    }
}

/// An open file descriptor that closes itself when it goes out of scope.
package struct Descriptor: ~Copyable, Sendable {
    /// The number, borrowed for as long as this value lives.
    package let raw: RawDescriptor

    /// Takes over a descriptor that was just opened.
    package init(adopting raw: RawDescriptor) {
        precondition(raw.number >= 0, "adopting a descriptor that was never opened")
        self.raw = raw
    }

    deinit { raw.close() }

    /// Gives the descriptor up without closing it.
    package consuming func release() -> RawDescriptor {
        let raw = self.raw
        discard self
        return raw
    }
}

/// An anonymous pipe, non-blocking and closed on exec (pipe2(2)); the caller closes both ends.
///
/// Closed on exec from the first moment: a child that another thread starts meanwhile would keep
/// its copy open, and the end of the stream would not come.
package func makePipe() throws(Errno) -> (reading: RawDescriptor, writing: RawDescriptor) {
    var ends: (CInt, CInt) = (-1, -1)
    _ = try retrying {
        withUnsafeMutablePointer(to: &ends) { pointer in
            pointer.withMemoryRebound(to: CInt.self, capacity: 2) {
                pipe2($0, O_NONBLOCK | O_CLOEXEC)
            }
        }
    }
    return (RawDescriptor(ends.0), RawDescriptor(ends.1))
}

/// How many descriptors this process may hold open (getrlimit(2), `RLIMIT_NOFILE`).
package struct DescriptorLimit: Equatable, Sendable {
    /// The limit in force.
    package var soft: Int
    /// How far the process may raise it by itself.
    package var hard: Int

    /// Reads both limits (getrlimit(2)).
    package static func current() throws(Errno) -> DescriptorLimit {
        var limit = rlimit()
        _ = try retrying { getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
        return DescriptorLimit(
            soft: Int(clamping: limit.rlim_cur), hard: Int(clamping: limit.rlim_max))
    }

    /// The soft limit that this process was started with, which is what other programs are to get;
    /// 0 where the kernel does not say.
    package static var softAtStart: Int { Int(clamping: clinux_descriptors_at_start()) }

    /// Raises the soft limit to the hard one and returns what is now in force.
    package static func raise() throws(Errno) -> DescriptorLimit {
        let limit = try current()
        if limit.soft < limit.hard { try set(soft: limit.hard) }
        return try current()
    }

    /// Sets the soft limit (setrlimit(2)).
    package static func set(soft: Int) throws(Errno) {
        let hard = try current().hard
        var limit = rlimit(rlim_cur: rlim_t(soft), rlim_max: rlim_t(hard))
        _ = try retrying { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
    }
}
