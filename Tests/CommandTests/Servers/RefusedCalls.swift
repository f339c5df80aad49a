import Glibc
import Syscalls
import Testing

// System calls that fail as a sandbox makes them fail: by a filter (seccomp(2), bpf in filter.h).

/// Runs `body` on a thread on which these calls fail, in every process that it starts, too.
func refusing<Value: Sendable>(
    _ calls: [Int], with error: CInt, _ body: @escaping @Sendable () throws -> Value
) throws -> Value {
    let outcome = Outcome<Value>()
    try RunningThread.start {
        outcome.result.withLock { result in
            result = Result {
                try refuse(calls, with: error)
                return try body()
            }
        }
    }.join()
    return try #require(outcome.result.withLock { $0 }).get()
}

private final class Outcome<Value: Sendable>: Sendable {
    let result = Guarded<Result<Value, any Error>?>(nil)
}

/// Makes calls fail on the calling thread for good.
private func refuse(_ calls: [Int], with error: CInt) throws {
    // Load the number of the call; if it is one of these, an error, else go on.
    var program = [sock_filter(code: 0x20, jt: 0, jf: 0, k: 0)]
    for call in calls {
        program.append(sock_filter(code: 0x15, jt: 0, jf: 1, k: UInt32(call)))
        program.append(sock_filter(code: 0x06, jt: 0, jf: 0, k: 0x0005_0000 | UInt32(error)))
    }
    program.append(sock_filter(code: 0x06, jt: 0, jf: 0, k: 0x7FFF_0000))
    // Swift imports no variadic function; this one reads as many words as the option has.
    typealias Call = @convention(c) (CInt, UInt, UInt, UInt, UInt) -> CInt
    let prctl = unsafeBitCast(try #require(dlsym(nil, "prctl")), to: Call.self)
    // PR_SET_NO_NEW_PRIVS, without which only root may filter; then PR_SET_SECCOMP, by a filter.
    try #require(prctl(38, 1, 0, 0, 0) == 0)
    let code = program.withUnsafeBufferPointer { filter in
        var whole = sock_fprog(
            len: UInt16(filter.count), filter: UnsafeMutablePointer(mutating: filter.baseAddress))
        return withUnsafePointer(to: &whole) {
            prctl(22, 2, UInt(bitPattern: $0), 0, 0)
        }
    }
    try #require(code == 0)
}

private struct sock_filter {
    var code: UInt16
    var jt: UInt8
    var jf: UInt8
    var k: UInt32
}

private struct sock_fprog {
    var len: UInt16
    var filter: UnsafeMutablePointer<sock_filter>?
}
