import Foundation
import Swiftlet
import Testing

@testable import Examples

@Suite struct FileNameTests {
    /// What others have tried, each to get out of a folder or to deceive the one that reads it.
    static let attacks = [
        "", ".", "..", "../secret", "..\\secret", "/etc/passwd", "a/b", "a/../../secret",
        "./a", "a/", "//", "~", "~/a", "a\0", "a\0.txt", "\0", "a\n", "a\r\nb", "a\t", "\u{1B}[2J",
        "\u{7F}", ".hidden", ".a.0123456789abcdef0123456789abcdef", "-rf", " a", "%2e%2e%2fsecret",
        "..%c0%af", "a:b", "C:\\a", "a|b", "a;b", "$(a)", "`a`", "*", "?", "<a>", "\"a\"", "'a'",
        "\u{FF0E}\u{FF0E}\u{FF0F}secret", "\u{2024}\u{2024}", "a\u{2215}b", "a\u{2044}b",
        "a\u{29F8}b", "\u{2025}", "e\u{301}", ".\u{301}", "a\u{202E}txt.exe", "a\u{200B}b",
        "\u{FEFF}a", "a\u{AD}b", "a\u{FFFD}", "\u{E000}", "a\u{2028}b", "\u{1F600}",
        "\u{212A}im", "\u{2126}", "\u{F900}", "\u{1100}\u{1161}",
        String(repeating: "a", count: 201), String(repeating: "ü", count: 101),
    ]

    @Test(arguments: attacks)
    func `a name that could lead out or deceive is refused`(name: String) {
        #expect(!isFileName(name))
    }

    @Test(arguments: [
        "a", "a.txt", "grüße 1.txt", "Ünï-code_2+(1),=@", "日本語.txt", "1", "a..b", "a-",
    ])
    func `a name of letters, digits and a few signs is taken`(name: String) {
        #expect(isFileName(name))
    }

    @Test func `spoiled names lead nowhere`() {
        let samples = ["report.txt", "../a", "grüße", ".a.0123"].map { Array($0.utf8) }
        var taken = 0
        fuzz(samples) { bytes in
            let name = String(decoding: bytes, as: UTF8.self)
            guard isFileName(name) else { return }
            taken += 1
            #expect(!name.utf8.contains { $0 < 32 || $0 == UInt8(ascii: "/") })
            #expect(name.utf8.first != UInt8(ascii: "."))
        }
        #expect(taken > 1_000)
    }

    @Test func `spoiled offers are refused or mean what they say`() throws {
        let offer = Offer(name: "a.txt", length: 12, sum: String(repeating: "0a", count: 32))
        fuzz([offer.header.bytes]) { bytes in
            guard let header = try? Header(bytes), let read = try? Offer(header) else { return }
            #expect(read.header == header && read.length >= 0)
        }
    }

    @Test func `no attack gets out of the folder, and no link is followed`() async throws {
        try await withTemporaryFolder { root in
            let secret = root + "/secret"
            try "mine".write(toFile: secret, atomically: false, encoding: .utf8)
            try FileManager.default.createDirectory(
                atPath: root + "/ann/folder", withIntermediateDirectories: true)
            for (link, target) in [("file", "../secret"), ("root", ".."), ("none", "/no/such")] {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(root)/ann/\(link)", withDestinationPath: target)
            }
            try FileManager.default.createSymbolicLink(
                atPath: root + "/eve", withDestinationPath: ".")
            #expect(mkfifo(root + "/ann/pipe", 0o600) == 0)
            let before = try everything(below: root)

            for user in ["ann", "eve"] {
                try await attack(root, as: user)
            }

            #expect(try everything(below: root) == before)
            #expect(try String(contentsOfFile: secret, encoding: .utf8) == "mine")
        }
    }

    private func everything(below root: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: root).sorted()
    }

    /// Tries each attack, and what stands in the folder, with each verb.
    private func attack(_ root: String, as user: String) async throws {
        let server = FileServer(FileServer.Limits()) { DiskFolder(path: "\(root)/\($0)") }
        try await serving { connection in
            try await server.serve(Messages(connection: connection), user: user)
        } _: { address in
            try await Connection.connect(to: address) { connection in
                let client = FileClient(
                    messages: Messages(connection: connection), timeout: .seconds(60))
                let mine = MemoryFolder()
                for name in FileNameTests.attacks + ["file", "root", "none", "folder", "pipe"] {
                    await #expect(throws: Failure.self) { try await client.get(name, into: mine) }
                    var header = Offer(
                        name: name, length: 0, sum: hexadecimal(SHA256.digest(of: []))
                    ).header
                    header["do"] = "put"
                    if !isFileName(name) || user == "eve" {
                        await #expect(throws: Failure.self) {
                            try await client.messages.ask(Message(header: header))
                        }
                    }
                }
                for name in FileNameTests.attacks + ["folder"] {
                    await #expect(throws: Failure.self) { try await client.remove(name) }
                }
                #expect(mine.names.isEmpty)
            }
        }
    }

    @Test func `a folder on a disk does what one in memory does`() async throws {
        try await withTemporaryFolder { root in
            try await onLoop {
                let folder = try await DiskFolder.make(at: root + "/ann")
                _ = try await DiskFolder.make(at: root + "/ann")
                try await folder.write([3, 4], to: ".part", at: 2)
                try await folder.write([1, 2], to: ".part", at: 0)
                try await folder.write([], to: ".part", at: 0)
                #expect(try await folder.read(".part", at: 1, atMost: 9) == [2, 3, 4])
                #expect(try await folder.read(".part", at: 9, atMost: 9) == [])
                try await folder.rename(".part", to: "a")
                #expect(try await folder.sizes() == ["a": 4])
                await #expect(throws: Failure.self) { try await folder.rename(".part", to: "b") }
                try await folder.remove("a")
                #expect(try await folder.sizes() == [:])
                await #expect(throws: Failure.self) { try await folder.remove("a") }
                await #expect(throws: Failure.self) {
                    try await folder.read("a", at: 0, atMost: 1)
                }
            }
        }
    }
}
