import Drivers
import Processes
import Syscalls

/// How a child that is a server is brought to its end, so that no process of it stays behind.
extension ChildProcess {
    /// Which processes are asked to end.
    enum Asked {
        /// The first process alone: it knows what to tell those that it started.
        case process
        /// All of its group: the first may be a script that passes nothing on.
        case group
    }

    /// Asks to end, kills what does not in time, and takes what was written, `words` being what was
    /// read before. What is left of its processes when the first one has ended is killed, those too
    /// that left its group.
    func end(
        _ asked: Asked = .process, within grace: Duration, after words: [UInt8] = []
    ) -> ServerProcess.Ended {
        var words = words
        let strays = ProcessTree(of: id).strays(fromGroup: id)
        switch asked {
        case .process: send(signal: ChildProcess.terminate)
        case .group:
            sendToGroup(signal: ChildProcess.terminate)
            for stray in strays { stray.send(signal: ChildProcess.terminate) }
        }
        let hasEnded = awaitEnd(until: Instant.now.advanced(by: grace), keeping: &words)
        // Its number is its own until it is reaped, and so is that of its group.
        sendToGroup(signal: ChildProcess.kill)
        for stray in strays { stray.send(signal: ChildProcess.kill) }
        // It has ended or is about to; the only failure is that it has been reaped already.
        let ending = (try? waitAndReap()) ?? .exited(code: 0)
        ChildProcess.killOrphans()
        _ = standardError.readAvailable(into: &words)
        standardError.close()
        standardOutput.close()
        return ServerProcess.Ended(
            exitCode: ending.shellCode, wasKilled: !hasEnded,
            standardError: String(decoding: words, as: UTF8.self))
    }

    /// Waits for the end of the process, and reads what it writes meanwhile, so that it is not held
    /// up.
    private func awaitEnd(until deadline: Instant, keeping words: inout [UInt8]) -> Bool {
        // Without descriptors to watch with, the child is given no time: it is killed and reaped.
        guard let end = try? makeEndDescriptor(), let driver = try? driver(watching: end.raw)
        else { return false }
        var ready: [Readiness] = []
        repeat {
            ready.removeAll()
            // A driver that cannot wait means what a passed deadline means.
            guard (try? driver.wait(until: deadline, into: &ready)) != nil else { return false }
            if ready.contains(where: { $0.descriptor == end.raw }) { return true }
            for readiness in ready {
                let isWords = readiness.descriptor == standardError
                var output: [UInt8] = []
                let goesOn =
                    isWords
                    ? standardError.readAvailable(into: &words)
                    : standardOutput.readAvailable(into: &output)
                // At its end it is read no more; the driver may forget it or not.
                if !goesOn { try? driver.setInterest([], in: readiness.descriptor) }
            }
        } while Instant.now < deadline
        return false
    }

    /// A driver that looks after the end of the process and after what it writes.
    private func driver(watching end: RawDescriptor) throws(Errno) -> PollDriver {
        let driver = try PollDriver()
        for descriptor in [end, standardError, standardOutput] {
            try driver.setInterest(.readable, in: descriptor)
        }
        return driver
    }
}
