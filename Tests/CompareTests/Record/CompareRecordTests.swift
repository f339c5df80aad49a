import Compare
import Reports
import Testing

@Suite struct CompareRecordTests {
    @Test func `the control is the arm that says so`() {
        var record = CompareRecord(environment: RunRecord.Environment())
        let kind = CompareRecord.Arm.Kind.bundled(model: "epoll", driver: "epoll")
        record.arms = [.init(name: "epoll", kind: kind), .init(name: "epoll*", kind: kind)]
        #expect(record.control == nil)

        record.arms[1].isControl = true

        #expect(record.control == 1)
    }
}
