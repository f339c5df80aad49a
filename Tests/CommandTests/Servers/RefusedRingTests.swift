import CLinux
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
        let run = try refusing([Int(SYS_io_uring_setup)], with: number) {
            try Command.run("echo-server", "--listen=127.0.0.1:0", option)
        }

        #expect(run.code == 71)
        #expect(run.output == "")
        #expect(run.errors.split(separator: "\n").count == 1)
        #expect(run.errors.contains(advice))
        #expect(run.errors.contains("choose another"))
    }

    @Test func `the other drivers serve as ever`() throws {
        let accepted = try refusing([Int(SYS_io_uring_setup)], with: EPERM) {
            try EchoService("--driver=epoll").stop()["accepted"]
        }

        #expect(accepted == 0)
    }

    @Test func `the load tester says why and what to do`() throws {
        let server = try EchoService()
        let address = server.address

        let run = try refusing([Int(SYS_io_uring_setup)], with: EPERM) {
            try Command.loadtest("\(address)", "-n1", "--driver=io_uring")
        }

        #expect(run.code == 71)
        #expect(run.errors.contains("kernel.io_uring_disabled"))
    }
}
