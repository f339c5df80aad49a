import Glibc
import Syscalls

// Text in place of buffers, so that a test says what travels and not how.

extension RawDescriptor {
    /// Writes the text and says how many bytes of it the kernel took.
    func send(_ text: String) throws -> Int {
        try Array(text.utf8).withUnsafeBytes { try write($0) }
    }

    /// Reads what is there; empty at the end of the stream.
    func take(atMost count: Int) throws -> String {
        var bytes = [UInt8](repeating: 0, count: count)
        let length = try bytes.withUnsafeMutableBytes { try read(into: $0) }
        return String(decoding: bytes[..<length], as: UTF8.self)
    }
}

/// Two connected stream sockets, non-blocking and closed on exec (socketpair(2)).
func makeSocketPair() throws(Errno) -> (RawDescriptor, RawDescriptor) {
    let kind =
        CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    var numbers: [CInt] = [-1, -1]
    _ = try retrying { socketpair(AF_UNIX, kind, 0, &numbers) }
    return (RawDescriptor(numbers[0]), RawDescriptor(numbers[1]))
}

/// Lets signals interrupt the calling thread again.
func unblock(_ signals: CInt...) {
    var set = sigset_t()
    for signal in signals { sigaddset(&set, signal) }
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
}
