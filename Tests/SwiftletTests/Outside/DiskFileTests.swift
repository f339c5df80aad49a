import Glibc
import Syscalls
import Testing

@testable import Swiftlet

/// Files on a disk, used at any place by any number of tasks.
@Suite struct DiskFileTests {
    private final class Folder: Sendable {
        let path: String

        init() throws {
            var name = Array("/tmp/swiftlet-test-XXXXXX".utf8CString)
            mkdtemp(&name)
            path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        deinit {
            for name in ["a", "b"] { unlink(path + "/" + name) }
            rmdir(path)
        }
    }

    @Test(arguments: DriverKind.usable)
    func `bytes are where they were written`(driver: DriverKind) async throws {
        let folder = try Folder()
        try await onLoop(driver) {
            try await DiskFile.open(folder.path + "/a", for: .makingNew, mode: 0o600) { file in
                try await file.write(Array("hello".utf8), at: 3)
                #expect(try await file.size() == 8)
                #expect(try await file.read(at: 0, atMost: 5) == [0, 0, 0, 104, 101])
                #expect(try await file.read(at: 6, atMost: 1_000_000) == [108, 111])
                #expect(try await file.read(at: 8, atMost: 1) == [])
                #expect(try await file.read(at: 1_000, atMost: 1) == [])
                try await file.setSize(to: 4)
                try await file.synchronize()
                #expect(try await file.read(at: 3, atMost: .max) == [104])
            }
            let size = try await DiskFile.open(folder.path + "/a", for: .replacing) { file in
                try await file.size()
            }
            #expect(size == 0)
        }
    }

    @Test func `many tasks write and read one file at the same time`() async throws {
        let folder = try Folder()
        try await onLoops(2) {
            try await DiskFile.open(folder.path + "/a", for: .making) { file in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for place in 0..<50 {
                        group.addTask {
                            let piece = [UInt8](repeating: UInt8(place), count: 1_000)
                            try await file.write(piece, at: place * 1_000)
                            #expect(try await file.read(at: place * 1_000, atMost: 1_000) == piece)
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await file.size() == 50_000)
            }
        }
    }

    @Test func `errors name the path`() async throws {
        let folder = try Folder()
        try await onLoop {
            let lost = await ioError { try await DiskFile.open("/no/such") { _ in } }
            #expect(lost.map { "\($0)" } == "open /no/such: No such file or directory")
            let torn = await ioError { try await DiskFile.open("/tmp\0x") { _ in } }
            #expect(torn?.reason == .system(.invalidArgument))
            let path = folder.path + "/a"
            let kept = try await DiskFile.open(path, for: .making) { file in
                let odd = await ioError { try await file.read(at: 0, atMost: -1) }
                #expect(odd == IOError(.read, .outOfRange(-1)))
                for offset in [-1, .min, .max] {
                    let odd = await ioError { try await file.write([1], at: offset) }
                    #expect(odd.map { "\($0)" } == "write \(path): \(offset) is out of range")
                }
                let early = await ioError { try await file.read(at: .min, atMost: 1) }
                #expect(early?.reason == .outOfRange(.min))
                let late = try await file.read(at: .max, atMost: .max)
                #expect(late == [])
                return file
            }
            let twice = await ioError { try await DiskFile.open(path, for: .makingNew) { _ in } }
            #expect(twice?.reason == .system(Errno(rawValue: EEXIST)))
            #expect(await ioError { try await kept.size() } == IOError(.read, .closed))
            let denied = await ioError {
                try await DiskFile.open(path) { try await $0.write([1], at: 0) }
            }
            #expect(denied?.reason == .system(.badDescriptor))
        }
    }

    @Test func `a file that does not say its size is read to its end`() async throws {
        try await onLoop {
            let status = try await DiskFile.open("/proc/self/status") { file in
                try await file.read(at: 0, atMost: .max)
            }
            #expect(String(decoding: status, as: UTF8.self).contains("Pid:\t\(getpid())\n"))
        }
    }

    @Test func `bytes come in order from a file of many pieces`() async throws {
        let folder = try Folder()
        try await onLoop {
            let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
            try await DiskFile.open(folder.path + "/a", for: .making) { file in
                try await file.write(bytes, at: 1)
                #expect(try await file.read(at: 1, atMost: .max) == bytes)
                #expect(try await file.read(at: 2, atMost: 999_998) == Array(bytes[1..<999_999]))
            }
        }
    }

    @Test func `what has no places is refused, also a pipe that nothing writes`() async throws {
        let folder = try Folder()
        mkfifo(folder.path + "/a", 0o600)
        try await onLoop {
            for path in ["/dev/null", folder.path + "/a"] {
                let error = await ioError { try await DiskFile.open(path) { _ in } }
                #expect(error.map { "\($0)" } == "open \(path): Illegal seek")
            }
            let error = await ioError { try await DiskFile.open(folder.path) { _ in } }
            #expect(error.map { "\($0)" } == "open \(folder.path): Is a directory")
        }
    }

    @Test func `it is closed with its scope, also where it is kept`() async throws {
        let folder = try Folder()
        let path = folder.path + "/a"
        /// Whether a descriptor of this process names the file (proc(5)).
        @Sendable func isOpen() -> Bool {
            (0..<20_000).contains { number in
                var target = [CChar](repeating: 0, count: 200)
                let count = readlink("/proc/self/fd/\(number)", &target, 200)
                return count > 0
                    && String(
                        decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
                        == path
            }
        }
        try await onLoop {
            let kept = try await DiskFile.open(path, for: .making) { file in
                #expect(isOpen())
                return file
            }
            #expect(!isOpen())
            #expect(kept.path == path)
        }
    }

    @Test func `a call that is given up goes on, and closes the file when it is done`()
        async throws
    {
        let folder = try Folder()
        try await onLoop {
            let path = folder.path + "/b"
            let error = await ioError {
                try await DiskFile.open(path, for: .making) { file in
                    withUnsafeCurrentTask { $0?.cancel() }
                    try await file.write([1], at: 0)
                }
            }
            #expect(error == IOError(.write, .cancelled))
        }
    }
}
