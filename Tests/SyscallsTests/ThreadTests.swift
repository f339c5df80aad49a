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

    @Test func `a thread with descriptors of its own closes none of the others`() throws {
        let (reading, writing) = try makePipe()
        defer {
            reading.close()
            writing.close()
        }
        let failure = Guarded<Errno?>(nil)
        let thread = try RunningThread.start {
            do throws(Errno) {
                try RunningThread.unshareDescriptors()
                // These are the thread's own copies.
                reading.close()
                writing.close()
            } catch {
                failure.withLock { $0 = error }
            }
        }
        thread.join()

        #expect(failure.withLock { $0 } == nil)
        let sent = [UInt8](arrayLiteral: 42)
        _ = try sent.withUnsafeBytes { bytes throws(Errno) in try writing.write(bytes) }
        var bytes: [UInt8] = []
        #expect(reading.readAvailable(into: &bytes))
        #expect(bytes == sent)
    }

    @Test func `the CPU clock of a thread goes on while it computes`() {
        let before = RunningThread.cpuNanoseconds
        while RunningThread.cpuNanoseconds == before {}
        #expect(RunningThread.cpuNanoseconds > before)
    }
}
