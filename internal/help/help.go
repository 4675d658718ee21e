// Package help has the layout of the help texts.
package help

// Root is the template of `runc --help`. People and completion scripts rely on
// its layout, and on that of Command.
const Root = `NAME:
   {{template "helpNameTemplate" .}}

USAGE:
   {{.UsageText}}

VERSION:
   {{.Version}}

COMMANDS:{{template "visibleCommandCategoryTemplate" .}}

GLOBAL OPTIONS:{{template "visibleFlagTemplate" .}}
`

// Command is the template of a subcommand's help.
const Command = `NAME:
   {{template "helpNameTemplate" .}}

USAGE:
   {{.FullName}} {{.ArgsUsage}}{{if .Description}}

DESCRIPTION:
   {{.Description}}{{end}}

OPTIONS:{{template "visibleFlagTemplate" .}}{{if .VisiblePersistentFlags}}

GLOBAL OPTIONS:{{template "visiblePersistentFlagTemplate" .}}{{end}}
`
