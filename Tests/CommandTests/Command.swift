import Foundation
import Processes
import Syscalls
import TestServers
import Testing

/// One of the built commands, running, the way a user runs it.
final class Command {
    /// How it ended and what it said.
    struct Finished {
        let code: Int32
        let output: String
        let errors: String
        var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    struct Failure: Error, CustomStringConvertible { let description: String }

    let child: ChildProcess
    private var output: [UInt8] = []
    private var errors: [UInt8] = []
    private var isReaped = false
    private var isOutputClosed = false
    private var saysNoMore = false
    /// No test needs a fraction of this; it is there so that a fault ends.
    private let deadline = Instant.now.advanced(by: .ample)

    /// Starts `loadtest` or `echo-server`, or with a path a program of the system.
    init(_ name: String, _ arguments: [String]) throws {
        let path = name.hasPrefix("/") ? name : try Command.path(of: name)
        child = try ChildProcess.start(path, arguments: [name] + arguments)
    }

    deinit {
        if !isOutputClosed { child.standardOutput.close() }
        child.standardError.close()
        if isReaped { return }
        child.send(signal: ChildProcess.kill)
        _ = try? child.waitAndReap()
    }

    /// Runs a command to its end.
    static func run(_ name: String, _ arguments: String...) throws -> Finished {
        try Command(name, arguments).finish()
    }

    /// Runs `loadtest` to its end: without a warm-up, which no test is about, and for a moment,
    /// which is longer where the machine is too busy to have anything answered in it.
    static func loadtest(_ arguments: String...) throws -> Finished {
        try withGrowingLimit(from: .milliseconds(100)) { moment in
            try Command(
                "loadtest",
                ["--warmup", "0", "-d", moment.words, "-c", "2"] + Command.patient + arguments
            ).finish()
        } until: {
            $0.code != 69
        }
    }

    /// Options of a `loadtest` that waits as long as it takes for what is sure to come.
    static let patient = ["--drain=10m", "--timeout=10m", "--connect-timeout=10m"]

    /// The executable of a product: it stands beside the bundle that runs this test.
    static func path(of name: String) throws -> String {
        var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let candidate = folder.appendingPathComponent(name).path
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder),
                !isFolder.boolValue
            {
                return candidate
            }
        }
        throw Failure(description: "\(name) is not built")
    }

    /// The next moment at which something was written or ended: what has come so far.
    private func listen() throws {
        // A negative number is left out by poll(2). What is closed may be another test's descriptor
        // by now.
        let numbers = [
            isOutputClosed ? -1 : child.standardOutput.number, child.standardError.number,
        ]
        var entries = numbers.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&entries, 2, 20)
        if !isOutputClosed { _ = child.standardOutput.readAvailable(into: &output) }
        if !child.standardError.readAvailable(into: &errors) { saysNoMore = true }
        if Instant.now > deadline {
            throw Failure(
                description: "still running after ten minutes: \(text(output)) \(text(errors))")
        }
    }

    /// Waits for a whole line on standard output that begins so.
    func line(beginning start: String) throws -> String {
        while true {
            let whole = text(output).split(separator: "\n", omittingEmptySubsequences: false)
            if let line = whole.dropLast().first(where: { $0.hasPrefix(start) }) {
                return String(line)
            }
            let isTheLast = child.hasEnded
            try listen()
            if isTheLast, !text(output).contains(start) {
                throw Failure(description: "ended without '\(start)': \(text(errors))")
            }
        }
    }

    /// Waits for a whole line on standard error that says a word, or for the end of what it says.
    func waitForLine(saying word: String) throws {
        try wait {
            saysNoMore
                || text(errors).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                    .contains { $0.contains(word) }
        }
    }

    /// Waits until something has come true outside.
    func wait(until isTrue: () throws -> Bool) throws {
        while try !isTrue() { try listen() }
    }

    func send(_ signal: Int32) { child.send(signal: signal) }

    /// Stops reading its standard output, as `head` does when it has enough.
    func closeOutput() {
        child.standardOutput.close()
        isOutputClosed = true
    }

    /// Waits for the end without reading a word.
    func waitForEnd() throws {
        let end = try child.makeEndDescriptor()
        var entry = pollfd(fd: end.raw.number, events: Int16(POLLIN), revents: 0)
        while poll(&entry, 1, -1) < 0 {}
    }

    /// Waits for the end.
    func finish() throws -> Finished {
        while true {
            if child.hasEnded {
                let ending = try child.waitAndReap()
                isReaped = true
                try listen()
                return Finished(code: ending.shellCode, output: text(output), errors: text(errors))
            }
            try listen()
        }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

extension Duration {
    /// As the commands read it: "250ms".
    var words: String { "\(Int(self / .milliseconds(1)))ms" }
}

/// A file name that no other test uses, removed again by the system.
func temporaryPath(_ name: String) -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent(
        "swiftlet-\(UUID().uuidString)-\(name)"
    ).path
}
