{{- define "guarded.line" -}}by a file{{- end -}}
{{- define "guarded.json" -}}by a file in JSON{{- end -}}
{{- define "guarded.given" -}}by a name in a dict{{- end -}}
{{- define "guarded.chosen" -}}by a name of a variable{{- end -}}
{{- define "guarded.kind.web" -}}by a name of printf{{- end -}}
{{- define "guarded.back" -}}by the chart below{{- end -}}
{{- define "guarded.nobody" -}}{{ .Values.none.nothing }}{{ .Values.nothing }}{{- end -}}
{{- define "guarded.call" -}}{{ include .template .context }}{{- end -}}

{{- /* The chart below includes it as well, where there is no key of its own. */ -}}
{{- define "guarded.database" -}}
{{- if .Values.store -}}{{ .Values.store.script | len }}{{- else -}}{{ .Values.auth.database }}{{- end -}}
{{- end -}}
