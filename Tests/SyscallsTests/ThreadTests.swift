import Syscalls
import Testing

@Suite struct ThreadTests {
    @Test func `a thread runs its body and is joined`() throws {
        let (reading, writing) = try makePipe()
        defer {
            reading.close()
            writing.close()
        }
        let thread = try RunningThread.start {
            _ = [UInt8(42)].withUnsafeBytes { try? writing.write($0) }
        }
        thread.join()

        var bytes: [UInt8] = []
        #expect(reading.readAvailable(into: &bytes))
        #expect(bytes == [42])
    }

    @Test func `the CPU clock of a thread goes on while it computes`() {
        let before = RunningThread.cpuNanoseconds
        while RunningThread.cpuNanoseconds == before {}
        #expect(RunningThread.cpuNanoseconds > before)
    }
}
