{{- define "broken.image" -}}
{{ .Values.image.repository.name }}:{{ .Values.image.tag }}
{{- end }}
