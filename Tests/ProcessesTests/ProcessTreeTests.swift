import Testing

@testable import Processes

@Suite struct ProcessTreeTests {
    /// A shell with children, once it has said that they are there.
    private func shell(_ script: String) throws -> ChildProcess {
        let child = try ChildProcess.start("/bin/sh", arguments: ["sh", "-c", script])
        var said: [UInt8] = []
        while said.isEmpty { _ = child.standardOutput.readAvailable(into: &said) }
        return child
    }

    private func end(_ child: ChildProcess) throws {
        child.sendToGroup(signal: ChildProcess.kill)
        #expect(try child.waitAndReap() == .killed(signal: 9))
        child.standardOutput.close()
        child.standardError.close()
    }

    @Test func `a tree is a process and what it started`() throws {
        let child = try shell("sleep 1000 & sleep 1000 & echo ready; wait")

        let tree = ProcessTree(of: child.id)

        #expect(tree.members.count == 3)
        #expect(tree.members.contains(child.id))
        #expect(tree.size.processes == 3)
        #expect(tree.size.threads == 3)
        #expect(tree.memory.anonymous > 0)
        #expect(tree.memory.files > 0)
        #expect(tree.cpuNanoseconds > 0)
        try end(child)
    }

    @Test func `a number that names no process has no members`() {
        #expect(ProcessTree(of: .max).members.isEmpty)
    }

    @Test func `what has ended is counted no more`() throws {
        // The child ends when the shell has become a program that never asks what became of it.
        let child = try shell(
            """
            (until read name </proc/$$/comm && [ "$name" = sleep ]; do :; done) &
            echo ready
            exec sleep 1000
            """)

        while ProcessTree(of: child.id).size.processes != 1 {}

        #expect(ProcessTree(of: child.id).members.count == 2)
        try end(child)
        while !ProcessTree(of: child.id).members.isEmpty {}
        #expect(ProcessTree(of: child.id).memory == ProcessMemory())
        #expect(ProcessTree(of: child.id).size == ProcessTree.Size())
    }

    @Test func `a process that left the group belongs to the tree by its parent`() {
        let others = [
            ProcessStatus(id: 9, parent: 7), ProcessStatus(id: 7, parent: 5),
            ProcessStatus(id: 10, parent: 4), ProcessStatus(id: 6, parent: 1),
        ]

        #expect(ProcessTree(of: 5, group: [5, 8], others: others).members == [5, 7, 8, 9])
        #expect(ProcessTree(of: 7, group: [], others: others).members == [7, 9])
        #expect(ProcessTree(of: 3, group: [], others: others).members == [])
    }

    @Test func `a process may have any name`() throws {
        let fields = "S 12 34 34 0 -1 4194560 1 0 0 0 2 3 0 0 20 0 17 0 100"

        let status = try #require(ProcessStatus("56 (a) b ( c) \(fields)"))

        #expect(status == ProcessStatus(id: 56, parent: 12, threads: 17, started: 100))
        #expect(ProcessStatus("56 (a) \(fields.replacing("S", with: "Z"))")?.hasEnded == true)
        #expect(ProcessStatus("56 (a) S 12") == nil)
        #expect(ProcessStatus("") == nil)
    }

    @Test func `pages that two processes share count once`() {
        var memory = ProcessMemory()
        var other = ProcessMemory()
        (memory.anonymous, memory.files) = (100, 7000)
        (other.anonymous, other.files, other.isDivided) = (50, 5000, false)

        memory.add(other)

        #expect(memory.total == 7150)
        #expect(!memory.isDivided)
    }

    @Test func `switches are counted from the beginning on`() throws {
        let child = try shell("echo ready; while read line; do :; done; exec sleep 1000")
        var switches = ContextSwitches(of: ProcessTree(of: child.id))
        #expect(switches.sinceBeginning == nil)

        switches.begin()

        #expect(try #require(switches.sinceBeginning) >= 0)
        try end(child)
        #expect(switches.sinceBeginning == nil)
    }

    @Test func `the limit that leaves least is the tightest`() {
        let limits = ProcessLimits([
            .init("a", most: 1000, used: 100), .init("b", most: 500, used: 480),
            .init("c", most: 30, used: 40),
        ])

        #expect(limits.tightest?.name == "c")
        #expect(limits.tightest?.left == 0)
        #expect(ProcessLimits([]).tightest == nil)
        #expect(ProcessLimits.current().limits.contains { $0.name == "kernel.pid_max" })
    }

    @Test func `processors are divided into halves that share none`() throws {
        #expect(Affinity([3]).halves == nil)
        #expect(try #require(Affinity([0, 1]).halves) == (Affinity([0]), Affinity([1])))
        let (left, right) = try #require(Affinity([0, 2, 4, 6, 8]).halves)
        #expect(left.processors == [0, 2])
        #expect(right.processors == [4, 6, 8])
    }

    @Test func `what others take is what all take without us`() throws {
        let text = "cpu  100 20 30 4000 50 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n"

        // 100 + 20 + 30 + 6 + 7 ticks of a hundredth of a second: all but idle, iowait and steal.
        #expect(OtherPrograms.busy(in: text) == 1_630_000_000)
        #expect(OtherPrograms.busy(in: "cpu0 1 2 3 4 5 6 7 8") == nil)
        #expect(OtherPrograms.busy(in: "") == nil)
        #expect(try #require(OtherPrograms(beside: []).processors) >= 0)
    }

    @Test func `a child inherits the processors of the thread that starts it`() throws {
        let all = try Affinity.current()
        let last = try #require(all.processors.last)
        try Affinity([last]).apply()
        let text = try output(of: "/bin/grep", ["Cpus_allowed_list", "/proc/self/status"])
        try all.apply()

        #expect(text.split(whereSeparator: \.isWhitespace).last == "\(last)")
        #expect(try Affinity.current() == all)
    }

    private func output(of path: String, _ arguments: [String]) throws -> String {
        let child = try ChildProcess.start(path, arguments: [path] + arguments)
        _ = try child.waitAndReap()
        var bytes: [UInt8] = []
        _ = child.standardOutput.readAvailable(into: &bytes)
        child.standardOutput.close()
        child.standardError.close()
        return String(decoding: bytes, as: UTF8.self)
    }
}
