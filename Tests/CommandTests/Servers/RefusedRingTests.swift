import Glibc
import Syscalls
import TestServers
import Testing

/// What the commands say where io_uring is refused, as most containers do it: by a filter of system
/// calls (seccomp(2)).
@Suite(.ownThread, .timeLimit(.minutes(60))) struct `Where io_uring is refused` {
    @Test(arguments: [
        ("--driver=io_uring", EPERM, "kernel.io_uring_disabled"),
        ("--model=io_uring", EPERM, "kernel.io_uring_disabled"),
        ("--driver=io_uring", ENOSYS, "Linux 5.19"),
        ("--model=io_uring", ENOSYS, "Linux 5.19"),
    ])
    func `the echo server says why and what to do`(
        option: String, number: CInt, advice: String
    ) throws {
        let run = try refusing(number) {
            try Command.run("echo-server", "--listen=127.0.0.1:0", option)
        }

        #expect(run.code == 71)
        #expect(run.output == "")
        #expect(run.errors.split(separator: "\n").count == 1)
        #expect(run.errors.contains(advice))
        #expect(run.errors.contains("choose another"))
    }

    @Test func `the other drivers serve as ever`() throws {
        let accepted = try refusing(EPERM) {
            try EchoService("--driver=epoll").stop()["accepted"]
        }

        #expect(accepted == 0)
    }

    @Test func `the load tester says why and what to do`() throws {
        let server = try EchoService()
        let address = server.address

        let run = try refusing(EPERM) {
            try Command.loadtest("\(address)", "-n1", "--driver=io_uring")
        }

        #expect(run.code == 71)
        #expect(run.errors.contains("kernel.io_uring_disabled"))
    }
}

/// Runs `body` on a thread from which nobody, nor any process that it starts, can open a ring.
private func refusing<Value: Sendable>(
    _ number: CInt, _ body: @escaping @Sendable () throws -> Value
) throws -> Value {
    let outcome = Outcome<Value>()
    try RunningThread.start {
        outcome.result.withLock { result in
            result = Result {
                try refuseRings(with: number)
                return try body()
            }
        }
    }.join()
    return try #require(outcome.result.withLock { $0 }).get()
}

private final class Outcome<Value: Sendable>: Sendable {
    let result = Guarded<Result<Value, any Error>?>(nil)
}

/// Makes io_uring_setup(2) fail on the calling thread for good (seccomp(2), bpf in filter.h).
private func refuseRings(with number: CInt) throws {
    // Load the number of the call; if it is io_uring_setup's, an error, else go on.
    let program: [sock_filter] = [
        sock_filter(code: 0x20, jt: 0, jf: 0, k: 0),
        sock_filter(code: 0x15, jt: 0, jf: 1, k: 425),
        sock_filter(code: 0x06, jt: 0, jf: 0, k: 0x0005_0000 | UInt32(number)),
        sock_filter(code: 0x06, jt: 0, jf: 0, k: 0x7FFF_0000),
    ]
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
