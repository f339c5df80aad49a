import Glibc
import Syscalls
import Testing

/// Error numbers as text, and the one loop that repeats interrupted calls.
@Suite struct ErrnoTests {
    @Test(arguments: [
        (EMFILE, "EMFILE", "Too many open files"),
        (ECONNREFUSED, "ECONNREFUSED", "Connection refused"),
        (ETIMEDOUT, "ETIMEDOUT", "Connection timed out"),
        (EAGAIN, "EAGAIN", "Resource temporarily unavailable"),
        (EADDRINUSE, "EADDRINUSE", "Address already in use"),
        (EPIPE, "EPIPE", "Broken pipe"),
        (EADDRNOTAVAIL, "EADDRNOTAVAIL", "Cannot assign requested address"),
    ])
    func `an error has its symbol and the kernel's words`(
        number: CInt,
        name: String,
        words: String
    ) {
        let error = Errno(rawValue: number)

        #expect(error.name == name)
        #expect(error.description == words)
    }

    @Test(arguments: [CInt(0), -1, 4_096, .max, .min])
    func `a number without a symbol is still printed`(number: CInt) {
        #expect(Errno(rawValue: number).name == "errno \(number)")
        #expect(!Errno(rawValue: number).description.isEmpty)
    }

    @Test func `a call that a signal cuts short is made again`() throws {
        var calls = 0

        let result: CInt = try retrying {
            calls += 1
            errno = EINTR
            return calls < 4 ? -1 : 42
        }

        #expect(result == 42)
        #expect(calls == 4)
    }

    @Test func `any other failure is thrown after one call`() {
        var calls = 0

        #expect(throws: Errno.connectionReset) {
            try retrying {
                calls += 1
                errno = ECONNRESET
                return CInt(-1)
            }
        }
        #expect(calls == 1)
    }

    @Test func `a failure after an interruption is thrown`() {
        var calls = 0

        #expect(throws: Errno.wouldBlock) {
            try retrying {
                calls += 1
                errno = calls == 1 ? EINTR : EAGAIN
                return -1
            }
        }
        #expect(calls == 2)
    }

    @Test func `an old error number is not taken for a failure`() throws {
        let result: CInt = try retrying {
            errno = EMFILE
            return 0
        }

        #expect(result == 0)
    }
}
