import Syscalls
import Testing

/// Options have names, and others have numbers.
@Suite struct SocketOptionNameTests {
    @Test func `every option prints as it reads`() {
        let all = SocketOption.allCases + [SocketOption(level: 1, number: 49)]

        #expect(all.allSatisfy { SocketOption("\($0)") == $0 })
        #expect(Set(all).count == all.count)
        #expect("\(SocketOption.noDelay)" == "noDelay")
        #expect("\(SocketOption(level: 6, number: 1))" == "noDelay")
        #expect(SocketOption("nothing") == nil)
    }

    @Test func `any option is set by its numbers`() throws {
        let socket = try RawDescriptor.streamSocket(family: 2)
        defer { socket.close() }
        // SO_INCOMING_CPU of SOL_SOCKET.
        let option = SocketOption(level: 1, number: 49)

        try socket.setOption(option, to: 0)
        #expect(try socket.option(option) == 0)
        #expect(try socket.option(.linger) == -1)
        try socket.resetOnClose()
        #expect(try socket.option(.linger) == 0)
    }
}
