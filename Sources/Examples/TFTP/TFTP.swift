import Flags
import Glibc
import Swiftlet

// Files by UDP: each block waits for its acknowledgement, and whoever waits in vain sends again.

extension Program {
    static let tftp = Program(
        "tftp", "Serves, gets and puts files by TFTP.",
        usage: [
            "[options]", "get HOST:PORT NAME [FILE] [options]",
            "put HOST:PORT FILE [NAME] [options]",
        ],
        [
            DatagramService.flags(port: 7069, maxClients: 100),
            FlagGroup(
                "Files of the server:",
                [
                    Flag("root", nil, "DIR", help: "the folder that is served (.)"),
                    Flag("write", help: "take new files, too"),
                    Flag("replace", help: "take new files in the place of old ones, too"),
                    Flag("max-size", nil, "SIZE", help: "longest file that is taken (1g)"),
                ]),
            FlagGroup(
                "Transfers:",
                [
                    Flag("block-size", nil, "SIZE", help: "bytes that a client asks for (1428)"),
                    Flag("window", nil, "N", help: "blocks that it asks for at a time (8)"),
                    Flag("timeout", nil, "N", help: "seconds after which one sends again (1)"),
                    Flag("tries", nil, "N", help: "how often, before one gives up (10)"),
                    Flag("text", help: "send lines as a terminal ends them (netascii)"),
                ]),
        ], positionalsMax: 4
    ) { arguments in
        let words = arguments.positionals
        switch (words.first, words.count) {
        case (nil, _):
            let server = try await TFTPServer(arguments)
            try await DatagramService(arguments, port: 7069, maxClients: 100)
                .servePeers(server.serve)
        case ("get", 3...):
            let file = words.last?.split(separator: "/").last.map(String.init) ?? ""
            let local = words.count == 4 ? words[3] : file
            try await TFTPClient(arguments).get(
                words[2], from: words[1], into: LocalFiles(), as: local
            ) { try await say("got \(local)") }
        case ("put", 3...):
            let file = words[2].split(separator: "/").last.map(String.init) ?? ""
            try await TFTPClient(arguments).put(
                words.count == 4 ? words[3] : file, to: words[1], from: LocalFiles(), as: words[2])
        default: throw UsageError("say nothing, get HOST:PORT NAME or put HOST:PORT FILE")
        }
    }
}

extension TFTPServer {
    fileprivate init(_ arguments: Arguments) async throws {
        let folder = try await ServedFolder(arguments.text("root") ?? ".")
        store = ServedFiles(folder: folder, mayReplace: arguments.has("replace"))
        mayWrite = arguments.has("write") || arguments.has("replace")
        maxSize = try arguments.size("max-size") ?? 1 << 30
        tries = try arguments.count("tries", in: 1...1_000) ?? 10
    }
}

extension TFTPClient {
    fileprivate init(_ arguments: Arguments) throws {
        isText = arguments.has("text")
        tries = try arguments.count("tries", in: 1...1_000) ?? 10
        options = [
            "blksize": "\(try arguments.size("block-size", in: 8...65_464) ?? 1_428)",
            "windowsize": "\(try arguments.count("window", in: 1...64) ?? 8)",
            "timeout": "\(try arguments.count("timeout", in: 1...255) ?? 1)",
        ]
    }
}

/// The files of the server's folder.
private struct ServedFiles: TFTPStore {
    let folder: ServedFolder
    let mayReplace: Bool

    func reading(_ name: String, _ body: (TFTPFile) async throws -> Void) async throws {
        try await folder.reading(name) { try await body(TFTPFile($0)) }
    }

    func writing(_ name: String, _ body: (TFTPFile) async throws -> Void) async throws {
        try await folder.writing(name, replacing: mayReplace) { try await body(TFTPFile($0)) }
    }
}

/// The files of the user, by paths.
private struct LocalFiles: TFTPStore {
    func reading(_ name: String, _ body: (TFTPFile) async throws -> Void) async throws {
        guard access(name, R_OK) == 0 else {
            throw Failure(.noInput, "there is no file to read at \(name.debugDescription)")
        }
        try await DiskFile.open(name) { try await body(TFTPFile($0)) }
    }

    func writing(_ name: String, _ body: (TFTPFile) async throws -> Void) async throws {
        try await ServedFolder.making(name, replacing: true) { try await body(TFTPFile($0)) }
    }
}

extension TFTPFile {
    fileprivate init(_ file: DiskFile) async throws {
        size = try await file.size()
        read = { try await file.read(at: $0, atMost: $1) }
        write = { try await file.write($0, at: $1) }
    }
}
