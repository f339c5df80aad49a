import Foundation
import Syscalls
import Testing

/// What a command writes at a path that its user gave: nothing changes there but the contents.
@Suite struct `Files that are written` {
    private let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("files-\(UUID().uuidString)").path

    init() throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { folder + "/" + name }
    private func contents(_ name: String) throws -> String {
        try String(contentsOfFile: path(name), encoding: .utf8)
    }
    private func put(_ text: String, _ name: String) throws {
        try text.write(toFile: path(name), atomically: false, encoding: .utf8)
    }
    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
    }

    @Test func `a new file has what was written, and nothing else is left`() throws {
        try File.checkReplacing(path("new"))
        #expect(try names == [])

        try File.replace(path("new"), with: "text")

        #expect(try contents("new") == "text")
        #expect(try names == ["new"])
    }

    @Test func `a file keeps its mode, and a neighbour called .tmp stays`() throws {
        try put("old and longer", "report")
        try put("mine", "report.tmp")
        chmod(path("report"), 0o600)

        try File.checkReplacing(path("report"))
        #expect(try contents("report") == "old and longer")
        try File.replace(path("report"), with: "new")

        var status = stat()
        #expect(stat(path("report"), &status) == 0 && status.st_mode & 0o7777 == 0o600)
        #expect(try contents("report") == "new")
        #expect(try contents("report.tmp") == "mine")
        #expect(try names == ["report", "report.tmp"])
    }

    @Test(arguments: [true, false])
    func `a link stays a link, and what it points to is written`(isThere: Bool) throws {
        if isThere { try put("old", "real") }
        symlink("real", path("link"))

        try File.checkReplacing(path("link"))
        try File.replace(path("link"), with: "new")

        var status = stat()
        #expect(lstat(path("link"), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        #expect(try contents("real") == "new")
        #expect(try names == ["link", "real"])
    }

    @Test func `a file with two names keeps both`() throws {
        try put("old", "one")
        link(path("one"), path("two"))

        try File.replace(path("one"), with: "new")

        #expect(try contents("two") == "new")
    }

    @Test func `a pipe with a name is written to, and stays`() throws {
        mkfifo(path("pipe"), 0o600)
        let reader = open(path("pipe"), O_RDONLY | O_NONBLOCK)
        defer { close(reader) }

        try File.checkReplacing(path("pipe"))
        try File.replace(path("pipe"), with: "text")

        var bytes = [UInt8](repeating: 0, count: 10)
        #expect(read(reader, &bytes, 10) == 4)
        #expect(String(decoding: bytes.prefix(4), as: UTF8.self) == "text")
        var status = stat()
        #expect(stat(path("pipe"), &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
        #expect(try names == ["pipe"])
    }

    @Test func `a descriptor that is named by its number is written to`() throws {
        var ends: [CInt] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }

        for name in ["/dev/fd/\(ends[1])", "/proc/self/fd/\(ends[1])"] {
            try File.checkReplacing(name)
            try File.replace(name, with: "text")
            var bytes = [UInt8](repeating: 0, count: 10)
            #expect(read(ends[0], &bytes, 10) == 4)
        }
        #expect(throws: Errno.self) { try File.checkReplacing("/dev/fd/\(ends[0])") }
        #expect(throws: Errno.self) { try File.checkReplacing("/dev/fd/99999") }
    }

    @Test func `what a full pipe has no room for is left, and does not block`() throws {
        var ends: [CInt] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let all = [UInt8](repeating: 7, count: 1 << 20)
        var rest = all[...]

        try File.write(&rest, to: RawDescriptor(ends[1]), by: .now)
        let written = all.count - rest.count
        #expect(written > 0 && !rest.isEmpty)
        try File.write(&rest, to: RawDescriptor(ends[1]), by: .now)
        #expect(all.count - rest.count == written)
        var bytes = [UInt8](repeating: 0, count: 8192)
        #expect(read(ends[0], &bytes, 8192) == 8192)
        try File.write(&rest, to: RawDescriptor(ends[1]), by: .now)
        #expect(all.count - rest.count == written + 8192)
    }

    @Test func `a folder, a missing folder and a ring of links are refused beforehand`() {
        symlink("ring", path("ring"))
        for name in ["", "none/file", "ring"] {
            #expect(throws: Errno.self) { try File.checkReplacing(path(name)) }
        }
    }

    @Test func `two names of one file are the same, there or not yet`() throws {
        try put("", "file")
        symlink("file", path("link"))
        symlink(folder, path("folder"))

        #expect(File.isSame(path("file"), as: path("link")))
        #expect(File.isSame(path("folder/file"), as: path("./file")))
        #expect(File.isSame(path("new"), as: path("folder/new")))
        #expect(!File.isSame(path("new"), as: path("file")))
        #expect(!File.isSame(path("new"), as: path("other")))
        #expect(!File.isSame("/dev/null", as: "/dev/null"))
    }
}
