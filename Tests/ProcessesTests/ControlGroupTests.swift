import Syscalls
import Testing

@testable import Processes

struct ControlGroupTests {
    @Test func `the new version has limit and period in one file`() {
        let files = [
            "/sys/fs/cgroup/a/cpu.max": "150000 100000\n",
            "/sys/fs/cgroup/a/cpu.stat": "usage_usec 5\nnr_throttled 2\nthrottled_usec 70\n",
        ]
        let group = ControlGroup(membership: "0::/a\n") { files[$0] }

        #expect(group.quota == 1.5)
        #expect(group.throttled == 70_000)
    }

    @Test(arguments: ["/", "/host/knows/it/by/this/name"])
    func `the old version has a file for each, also in a container`(path: String) {
        let files = [
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "20000\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.stat": "nr_periods 9\nthrottled_time 12345\n",
        ]
        let group = ControlGroup(
            membership: "3:cpuset:/\n2:cpu,cpuacct:\(path)\n0::/\n"
        ) { files[$0.replacing("//", with: "/")] }

        #expect(group.quota == 0.2)
        #expect(group.throttled == 12_345)
    }

    @Test(
        arguments: [
            ["/sys/fs/cgroup/a/cpu.max": "max 100000"], ["/sys/fs/cgroup/a/cpu.max": "0 0"],
            ["/sys/fs/cgroup/a/cpu.max": "nonsense"], [:],
        ])
    func `what is no limit is none`(files: [String: String]) {
        #expect(
            ControlGroup(membership: "0::/a") { files[$0] }
                == ControlGroup(membership: "") { _ in nil })
    }

    @Test func `minus one is no limit in the old version`() {
        let group = ControlGroup(membership: "1:cpu:/") { path in
            path.hasSuffix("quota_us") ? "-1" : path.hasSuffix("period_us") ? "100000" : nil
        }
        #expect(group.quota == nil)
    }
}

struct MachineTests {
    @Test(
        arguments: [(8, nil, 8), (8, 1.5, 2), (8, 0.2, 1), (2, 64, 2), (0, nil, 1), (4, 1e300, 4)]
            as [(Int, Double?, Int)])
    func `a quota pays for so many processors`(processors: Int, quota: Double?, cores: Int) {
        #expect(Machine.cores(among: processors, quota: quota) == cores)
    }

    /// As under `taskset -c 0 loadtest`.
    @Test func `processors that a process may not use do not count`() throws {
        let allowed = try Affinity.current()
        defer { #expect(throws: Never.self) { try allowed.apply() } }
        try Affinity([#require(allowed.processors.first)]).apply()

        #expect(Machine.cores == 1)
    }
}
