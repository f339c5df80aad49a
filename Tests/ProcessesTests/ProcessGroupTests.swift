import Processes
import Syscalls
import Testing

@Suite struct ProcessGroupTests {
    @Test func `a group is its leader and what that started`() throws {
        let child = try ChildProcess.start(
            "/bin/sh", arguments: ["sh", "-c", "sleep 1000 & sleep 1000 & echo ready; wait"])
        var said: [UInt8] = []
        while said.isEmpty { _ = child.standardOutput.readAvailable(into: &said) }

        let members = ProcessGroup.members(of: child.id)

        #expect(members.count == 3)
        #expect(members.contains(child.id))
        #expect(ProcessGroup.residentBytes(of: child.id) > 0)
        child.sendToGroup(signal: ChildProcess.kill)
        #expect(try child.waitAndReap() == .killed(signal: 9))
    }

    @Test func `a number that leads no group has no members`() {
        #expect(ProcessGroup.members(of: .max).isEmpty)
    }
}
