import Conformance
import Testing

@Suite struct ConformanceTests {
    @Test func `a finding names its check and says what was wrong`() {
        let finding = Conformance.Finding(.halfClose, "nothing came back")

        #expect(finding.description == "half-close: nothing came back")
    }
}
