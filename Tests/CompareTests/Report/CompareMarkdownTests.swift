import Compare
import Foundation
import Testing

@Suite struct CompareMarkdownTests {
    @Test func `tables have as many cells in each row as in their head`() {
        let lines = CompareMarkdown.page(of: CompareTextTests.session(points: 3))
            .split(separator: "\n", omittingEmptySubsequences: false)
        var width: Int?
        var tables = 0
        for line in lines {
            guard line.hasPrefix("|") else {
                width = nil
                continue
            }
            let cells = line.replacing(/\\\|/, with: "").count { $0 == "|" }
            if width == nil { tables += 1 }
            #expect(width == nil || width == cells, "\(line)")
            width = cells
        }

        #expect(tables > 20)
    }

    @Test func `it says what the page says: rates in words, costs, stories, and how to repeat it`()
    {
        let record = CompareTextTests.session()
        let page = CompareMarkdown.page(of: record, Sessions.contenders(of: record))

        #expect(page.hasPrefix("## loadtest compare: 8 servers, 100 connections of 64 B\n"))
        #expect(page.contains(/\| fork † \| 2\.\d\d \\\[.*\\\] \| more \| [\d,]+\/s \|/))
        #expect(page.contains("skipped: io\\_uring is disabled on this machine"))
        #expect(
            page.contains(
                /\* \+\d\.\d % CPU a message over poll by hand/))
        #expect(
            page.contains("**threads**: The story of threads. Here, with 100 connections of 64 B: ")
        )
        #expect(page.contains("\n    loadtest compare --rounds 8\n"))
        #expect(page.hasSuffix("\n"))
    }

    @Test func `it shows the pictures of the page where they have a folder`() {
        let record = CompareTextTests.session(points: 3)
        let page = CompareMarkdown.page(of: record, pictures: "comparison")

        for picture in ComparePage.pictures(of: record) {
            #expect(page.contains("](comparison/\(picture.name).svg)"), "\(picture.name)")
        }
        #expect(!CompareMarkdown.page(of: record).contains("!["))
    }
}
