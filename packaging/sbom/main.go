// sbom tells of what binaries of Go are made: it reads the modules that each
// has recorded of itself (debug/buildinfo) and either prints them as one SPDX
// 2.3 document or copies their licences. It runs in the folder that has the
// modules in vendor.
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

type document struct {
	SPDXVersion       string         `json:"spdxVersion"`
	DataLicense       string         `json:"dataLicense"`
	SPDXID            string         `json:"SPDXID"`
	Name              string         `json:"name"`
	DocumentNamespace string         `json:"documentNamespace"`
	CreationInfo      creation       `json:"creationInfo"`
	Packages          []spdxPackage  `json:"packages"`
	Files             []file         `json:"files"`
	Relationships     []relationship `json:"relationships"`
}

type creation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	SPDXID           string      `json:"SPDXID"`
	Name             string      `json:"name"`
	VersionInfo      string      `json:"versionInfo"`
	DownloadLocation string      `json:"downloadLocation"`
	FilesAnalyzed    bool        `json:"filesAnalyzed"`
	LicenseConcluded string      `json:"licenseConcluded"`
	LicenseDeclared  string      `json:"licenseDeclared"`
	CopyrightText    string      `json:"copyrightText"`
	ExternalRefs     []reference `json:"externalRefs,omitempty"`
}

type reference struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type file struct {
	SPDXID           string     `json:"SPDXID"`
	FileName         string     `json:"fileName"`
	FileTypes        []string   `json:"fileTypes"`
	Checksums        []checksum `json:"checksums"`
	LicenseConcluded string     `json:"licenseConcluded"`
	CopyrightText    string     `json:"copyrightText"`
}

type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type relationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

func main() {
	version := flag.String("version", "", "this project's version")
	commit := flag.String("commit", "", "the commit that was built")
	licences := flag.String("licences", "", "copy the modules' licences to this folder, and print nothing")
	flag.Parse()
	var err error
	if *licences != "" {
		err = copyLicences(flag.Args(), *licences)
	} else {
		err = printDocument(flag.Args(), *version, *commit)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// modules are those linked into the binaries, each once, by path; and the
// version of Go that has built them.
func modules(binaries []string) (map[string]string, string, error) {
	found := map[string]string{}
	var goVersion string
	for _, b := range binaries {
		info, err := buildinfo.ReadFile(b)
		if err != nil {
			return nil, "", err
		}
		goVersion = info.GoVersion
		for _, m := range info.Deps {
			found[m.Path] = m.Version
		}
	}
	if len(found) == 0 {
		return nil, "", errors.New("the binaries name no module")
	}
	return found, goVersion, nil
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// licenceFiles are a module's files of licence and notice, by their names.
func licenceFiles(module string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join("vendor", module))
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		n := strings.ToUpper(e.Name())
		for _, prefix := range []string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"} {
			if strings.HasPrefix(n, prefix) && e.Type().IsRegular() {
				found = append(found, filepath.Join("vendor", module, e.Name()))
				break
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("module %s: %w: a licence", module, fs.ErrNotExist)
	}
	return found, nil
}

func copyLicences(binaries []string, to string) error {
	found, _, err := modules(binaries)
	if err != nil {
		return err
	}
	for _, m := range sortedKeys(found) {
		files, err := licenceFiles(m)
		if err != nil {
			return err
		}
		dir := filepath.Join(to, strings.ReplaceAll(m, "/", "_"))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), b, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// spdxLicence is the identifier of a licence whose words are known; the
// modules that are linked in have no others.
func spdxLicence(module string) (string, error) {
	files, err := licenceFiles(module)
	if err != nil {
		return "", err
	}
	var found []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		text := strings.Join(strings.Fields(string(b)), " ")
		for _, known := range []struct{ id, words, also string }{
			{"MPL-2.0", "Mozilla Public License Version 2.0 =", ""},
			{"Apache-2.0", "Apache License Version 2.0", ""},
			{"MIT", "Permission is hereby granted, free of charge", ""},
			{"BSD-3-Clause", "Redistribution and use in source and binary forms", "Neither the name"},
			{"BSD-2-Clause", "Redistribution and use in source and binary forms", ""},
		} {
			if strings.Contains(text, known.words) && strings.Contains(text, known.also) {
				found = append(found, known.id)
				break
			}
		}
	}
	slices.Sort(found)
	if found = slices.Compact(found); len(found) != 0 {
		return strings.Join(found, " AND "), nil
	}
	return "NOASSERTION", nil
}

// id is what SPDX allows in an identifier.
func id(kind, name string) string {
	return "SPDXRef-" + kind + "-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, name)
}

func printDocument(binaries []string, version, commit string) error {
	found, goVersion, err := modules(binaries)
	if err != nil {
		return err
	}
	epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	none := "NOASSERTION"
	d := document{
		SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", Name: "runc-go-" + version,
		CreationInfo: creation{Created: time.Unix(epoch, 0).UTC().Format(time.RFC3339), Creators: []string{"Tool: packaging/sbom"}},
	}
	self := spdxPackage{SPDXID: "SPDXRef-Package-runc-go", Name: "runc-go", VersionInfo: version + " (" + commit + ")", DownloadLocation: none,
		LicenseConcluded: "Apache-2.0", LicenseDeclared: "Apache-2.0", CopyrightText: none}
	std := spdxPackage{SPDXID: "SPDXRef-Package-go", Name: "stdlib", VersionInfo: goVersion, DownloadLocation: "https://go.dev/dl/",
		LicenseConcluded: "BSD-3-Clause", LicenseDeclared: "BSD-3-Clause", CopyrightText: none,
		ExternalRefs: []reference{{"PACKAGE-MANAGER", "purl", "pkg:golang/stdlib@" + strings.TrimPrefix(goVersion, "go")}}}
	d.Packages = append(d.Packages, self, std)
	d.Relationships = append(d.Relationships, relationship{d.SPDXID, "DESCRIBES", self.SPDXID}, relationship{self.SPDXID, "DEPENDS_ON", std.SPDXID})
	for _, m := range sortedKeys(found) {
		licence, err := spdxLicence(m)
		if err != nil {
			return err
		}
		p := spdxPackage{SPDXID: id("Package", m), Name: m, VersionInfo: found[m], DownloadLocation: "https://" + m,
			LicenseConcluded: licence, LicenseDeclared: licence, CopyrightText: none,
			ExternalRefs: []reference{{"PACKAGE-MANAGER", "purl", "pkg:golang/" + m + "@" + found[m]}}}
		d.Packages = append(d.Packages, p)
		d.Relationships = append(d.Relationships, relationship{self.SPDXID, "DEPENDS_ON", p.SPDXID})
	}
	all := sha256.New()
	for _, b := range binaries {
		content, err := os.ReadFile(b)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		all.Write(sum[:])
		f := file{SPDXID: id("File", filepath.Base(b)), FileName: "./bin/" + filepath.Base(b), FileTypes: []string{"BINARY"},
			Checksums: []checksum{{"SHA256", fmt.Sprintf("%x", sum)}}, LicenseConcluded: none, CopyrightText: none}
		d.Files = append(d.Files, f)
		d.Relationships = append(d.Relationships, relationship{self.SPDXID, "CONTAINS", f.SPDXID})
	}
	// Unique to what it describes, and the same each time.
	d.DocumentNamespace = fmt.Sprintf("https://spdx.org/spdxdocs/runc-go-%s-%x", version, all.Sum(nil)[:16])
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}
