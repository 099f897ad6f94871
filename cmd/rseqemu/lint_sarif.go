package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/rseqemu/rseqemu/lift/lint"
)

// The parts of SARIF 2.1.0 that lint uses, under the standard's names.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID            string      `json:"id"`
		Short         sarifText   `json:"shortDescription"`
		Configuration sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
		Address  *sarifAddress `json:"address,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifAddress struct {
		Absolute uint64 `json:"absoluteAddress"`
		Name     string `json:"fullyQualifiedName"`
	}
	sarifLogical struct {
		Name string `json:"name"`
		Kind string `json:"kind"`
	}
)

// sarifOf is the reports as one run. A finding is at its source line if the file
// says it, and otherwise at an address of the binary.
func sarifOf(reports []*lint.Report) sarifLog {
	index := map[string]int{}
	driver := sarifDriver{Name: "rseqemu", Version: version().Version, InformationURI: "https://github.com/rseqemu/rseqemu"}
	for i, r := range lint.Rules() {
		index[r.ID] = i
		driver.Rules = append(driver.Rules, sarifRule{r.ID, sarifText{r.Doc}, sarifConfig{r.Severity.String()}})
	}
	nth := map[string]int{} // findings of a rule in a function, where a section is inlined several times
	run := sarifRun{Tool: sarifTool{driver}, Results: []sarifResult{}}
	for _, r := range reports {
		add := func(f lint.Finding, s *lint.Section) {
			loc := sarifLocation{}
			if f.Place.Line > 0 {
				loc.Physical = sarifPhysical{Artifact: sarifArtifact{fileURI(f.Place.File)}, Region: &sarifRegion{f.Place.Line}}
			} else {
				loc.Physical = sarifPhysical{Artifact: sarifArtifact{fileURI(r.File)}, Address: &sarifAddress{uint64(f.Addr), f.Where}}
			}
			res := sarifResult{RuleID: f.Rule, RuleIndex: index[f.Rule], Level: f.Severity.String(), Message: sarifText{f.Message + " (" + f.Where + ")"}}
			if s != nil && s.Func != "" {
				loc.Logical = []sarifLogical{{s.Func, "function"}}
				// Addresses change with every build; this doesn't.
				id := filepath.Base(r.File) + " " + s.Func + " " + f.Rule
				nth[id]++
				res.Fingerprints = map[string]string{"rseqSection/v1": fmt.Sprint(id, " ", nth[id])}
			}
			res.Locations = []sarifLocation{loc}
			run.Results = append(run.Results, res)
		}
		for _, f := range r.Findings {
			add(f, nil)
		}
		for i := range r.Sections {
			for _, f := range r.Sections[i].Findings {
				add(f, &r.Sections[i])
			}
		}
	}
	return sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}}
}

// fileURI names a file as code-review tools want it: relative to the directory
// that the command runs in if it lies there, since that is the repository.
func fileURI(name string) string {
	if wd, err := os.Getwd(); err == nil && filepath.IsAbs(name) {
		if rel, err := filepath.Rel(wd, name); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			name = rel
		}
	}
	slashed := filepath.ToSlash(name)
	if strings.HasPrefix(slashed, "/") {
		return (&url.URL{Scheme: "file", Path: slashed}).String()
	}
	return (&url.URL{Path: slashed}).String()
}
