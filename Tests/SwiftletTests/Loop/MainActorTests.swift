import Foundation
import Testing

@testable import Swiftlet

#if !SWIFTLET_PUBLIC_API_ONLY

    /// Programs whose code is the main actor's by default, with a loop on the main thread.
    @Suite struct MainActorTests {
        @Test(
            arguments: [
                ("serve", "HELLO 2\n"), ("hop", "hopped 3\n"), ("time", "timed out 1\n"),
                ("later", "ended 1\n"),
            ])
        func `the main actor runs on the loop of the main thread`(
            _ program: String, _ expected: String
        ) async throws {
            #expect(try await output(of: program) == expected)
        }

        @Test func `a program that waits has printed its lines, also into a pipe`() async throws {
            let line = try await onThread {
                let process = MainActorTests.process(running: "announce")
                let (input, output) = (Pipe(), Pipe())
                process.standardInput = input
                process.standardOutput = output
                try process.run()
                let line = try output.fileHandleForReading.read(upToCount: 10)
                try input.fileHandleForWriting.close()
                process.waitUntilExit()
                return line
            }
            #expect(line == Data("listening\n".utf8))
        }

        private static func process(running program: String) -> Process {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/proc/self/exe")
                .resolvingSymlinksInPath()
                .deletingLastPathComponent().appending(path: "main-actor-program")
            process.arguments = [program]
            return process
        }

        /// What a program of Tests/MainActorProgram prints, when it ends well.
        private func output(of program: String) async throws -> String? {
            try await onThread {
                let process = MainActorTests.process(running: program)
                let pipe = Pipe()
                process.standardOutput = pipe
                try process.run()
                let output = try pipe.fileHandleForReading.readToEnd()
                process.waitUntilExit()
                guard process.terminationReason == .exit, process.terminationStatus == 0 else {
                    return nil
                }
                return output.map { String(decoding: $0, as: UTF8.self) }
            }
        }
    }

#endif
