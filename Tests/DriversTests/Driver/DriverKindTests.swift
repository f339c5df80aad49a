import Drivers
import Syscalls
import Testing

/// Which drivers this machine has, and what is said where it has one not.
@Suite struct DriverKindTests {
    @Test(
        .enabled(if: DriverKind.usable.contains(.ioUring), "this machine refuses io_uring"))
    func `io_uring is among the drivers that are tested here`() {
        #expect(DriverKind.usable.contains(.ioUring))
    }

    @Test func `every machine has the others`() {
        #expect(Set(DriverKind.usable).isSuperset(of: [.poll, .select, .epoll]))
    }

    @Test(arguments: [
        (Errno.notImplemented, "Linux 5.19"), (.notPermitted, "kernel.io_uring_disabled"),
    ])
    func `a refusal of io_uring says what to do`(error: Errno, advice: String) throws {
        let remedy = try #require(DriverKind.ioUring.remedy(for: error))

        #expect(remedy.contains(advice))
        #expect(remedy.contains("choose another"))
    }

    @Test func `an error that says it all needs no remedy`() {
        #expect(DriverKind.ioUring.remedy(for: .tooManyOpenFiles) == nil)
        for kind in [DriverKind.poll, .select, .epoll] {
            #expect(kind.remedy(for: .notPermitted) == nil)
        }
    }
}
