package main

// The layout of help is an interface as well: people's eyes and completion
// scripts are used to it.
const rootHelp = `NAME:
   {{template "helpNameTemplate" .}}

USAGE:
   {{.UsageText}}

VERSION:
   {{.Version}}

COMMANDS:{{template "visibleCommandCategoryTemplate" .}}

GLOBAL OPTIONS:{{template "visibleFlagTemplate" .}}
`

const commandHelp = `NAME:
   {{template "helpNameTemplate" .}}

USAGE:
   {{.FullName}} {{.ArgsUsage}}{{if .Description}}

DESCRIPTION:
   {{.Description}}{{end}}

OPTIONS:{{template "visibleFlagTemplate" .}}{{if .VisiblePersistentFlags}}

GLOBAL OPTIONS:{{template "visiblePersistentFlagTemplate" .}}{{end}}
`
