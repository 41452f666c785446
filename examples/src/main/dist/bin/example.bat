@echo off
rem Runs an example by its class name: example SmartHome [ARGUMENT ...]. JAVA_OPTS adds options.
setlocal
set "JAVA=java"
if defined JAVA_HOME set "JAVA=%JAVA_HOME%\bin\java"
set "NAME=%1"
if "%NAME%"=="PaperExperiment" set "NAME=experiment.PaperExperiment"
set "ARGS="
:more
shift
if not "%~1"=="" (
  set ARGS=%ARGS% %1
  goto more
)
rem The JVM takes one collector, and one that its options name is the user's choice.
set "COLLECTOR=-XX:+UseSerialGC"
echo "%JAVA_OPTS% %JAVA_TOOL_OPTIONS% %JDK_JAVA_OPTIONS%" | findstr /R /C:"-XX:+Use[A-Za-z0-9]*GC" >nul && set "COLLECTOR="
"%JAVA%" %COLLECTOR% -Xms48m -Xmn16m -XX:MaxDirectMemorySize=1024g --enable-native-access=ALL-UNNAMED -Dfile.encoding=UTF-8 -Dorg.slf4j.simpleLogger.defaultLogLevel=error -Dorg.slf4j.simpleLogger.log.org.edgefit=warn %JAVA_OPTS% -cp "%~dp0..\lib\*" org.edgefit.examples.%NAME% %ARGS%
exit /b %ERRORLEVEL%
